// JSON as RFC 8259 has it, read into nodes: strict, in UTF-8, and nested no deeper than TROUPE_DEPTH.

#include "troupe_actor.h"

static const troupe_json NOTHING = {.kind = TROUPE_NOTHING};
static const troupe_json NOT_JSON = {.kind = TROUPE_NOT_JSON};

typedef struct {
  const char *at;
  const char *end;
} reader;

static void skip_space(reader *in) {
  while (in->at < in->end && (*in->at == ' ' || *in->at == '\n' || *in->at == '\r' || *in->at == '\t')) in->at++;
}

static bool take(reader *in, char c) {
  if (in->at == in->end || *in->at != c) return false;
  in->at++;
  return true;
}

static bool take_word(reader *in, const char *word) {
  for (; *word; word++)
    if (!take(in, *word)) return false;
  return true;
}

static bool take_digits(reader *in) {
  const char *start = in->at;
  while (in->at < in->end && *in->at >= '0' && *in->at <= '9') in->at++;
  return in->at > start;
}

static bool read_number(reader *in) {
  take(in, '-');
  if (!take(in, '0') && !take_digits(in)) return false;
  if (take(in, '.') && !take_digits(in)) return false;
  if (take(in, 'e') || take(in, 'E')) {
    if (!take(in, '+')) take(in, '-');
    return take_digits(in);
  }
  return true;
}

static bool read_hex(reader *in, uint32_t *value) {
  *value = 0;
  for (int i = 0; i < 4; i++) {
    if (in->at == in->end) return false;
    char c = *in->at++;
    uint32_t digit;
    if (c >= '0' && c <= '9') digit = (uint32_t)(c - '0');
    else if (c >= 'a' && c <= 'f') digit = (uint32_t)(c - 'a') + 10;
    else if (c >= 'A' && c <= 'F') digit = (uint32_t)(c - 'A') + 10;
    else return false;
    *value = *value << 4 | digit;
  }
  return true;
}

static char *put_utf8(char *to, uint32_t c) {
  if (c < 0x80) {
    *to++ = (char)c;
    return to;
  }
  int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
  *to++ = (char)(lead[more] | c >> (6 * more));
  while (more-- > 0) *to++ = (char)(0x80 | (c >> (6 * more) & 0x3f));
  return to;
}

// After `\u`; a character beyond the first 65,536 is two escapes, and neither stands alone.
static bool read_unicode(reader *in, char **to) {
  uint32_t c, low;
  if (!read_hex(in, &c)) return false;
  if (c >= 0xd800 && c < 0xe000) {
    if (c >= 0xdc00 || !take_word(in, "\\u") || !read_hex(in, &low) || low < 0xdc00 || low >= 0xe000) return false;
    c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
  }
  *to = put_utf8(*to, c);
  return true;
}

static bool read_escape(reader *in, char **to) {
  static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
  if (in->at == in->end) return false;
  char c = *in->at++;
  if (c == 'u') return read_unicode(in, to);
  for (int i = 0; letters[i]; i++) {
    if (letters[i] == c) {
      *(*to)++ = meant[i];
      return true;
    }
  }
  return false;
}

// One character of more than a byte: no longer than it must be, no surrogate, not beyond the last.
static bool skip_utf8(reader *in) {
  unsigned char lead = (unsigned char)*in->at++;
  int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
  static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
  if (lead < 0xc2 || lead > 0xf4 || in->end - in->at < more) return false;
  uint32_t c = lead & (0x3fu >> more);
  for (int i = 0; i < more; i++) {
    unsigned char byte = (unsigned char)*in->at++;
    if ((byte & 0xc0) != 0x80) return false;
    c = c << 6 | (byte & 0x3f);
  }
  return c >= least[more] && c <= 0x10ffff && !(c >= 0xd800 && c < 0xe000);
}

// Goes to the next quotation mark, escape or control character.
static bool skip_plain(reader *in) {
  while (in->at < in->end) {
    unsigned char c = (unsigned char)*in->at;
    if (c >= 0x80) {
      if (!skip_utf8(in)) return false;
    } else if (c == '"' || c == '\\' || c < 0x20) {
      return true;
    } else {
      in->at++;
    }
  }
  return false;
}

// After the quotation mark. Without escapes the text is where it was read from; with them it is no longer than that.
static bool read_string(reader *in, troupe_text *text) {
  const char *start = in->at;
  if (!skip_plain(in)) return false;
  *text = (troupe_text){start, (size_t)(in->at - start)};
  if (take(in, '"')) return true;
  const char *last = in->at;
  while (last < in->end && *last != '"') last += *last == '\\' && in->end - last > 1 ? 2 : 1;
  char *copy = troupe_allocate((size_t)(last - start)), *to = copy;
  __builtin_memcpy(to, start, text->len);
  to += text->len;
  while (!take(in, '"')) {
    start = in->at;
    if (take(in, '\\')) {
      if (!read_escape(in, &to)) return false;
      continue;
    }
    if (!skip_plain(in) || in->at == start) return false;
    size_t plain = (size_t)(in->at - start);
    __builtin_memcpy(to, start, plain);
    to += plain;
  }
  *text = (troupe_text){copy, (size_t)(to - copy)};
  return true;
}

static troupe_json *read_value(reader *in, int depth);

// After the bracket: members or elements up to the other bracket.
static bool read_within(reader *in, troupe_json *outer, int depth) {
  bool object = outer->kind == TROUPE_OBJECT;
  char close = object ? '}' : ']';
  const troupe_json **link = &outer->first;
  skip_space(in);
  if (take(in, close)) return true;
  if (depth == TROUPE_DEPTH) return false;
  do {
    troupe_text key = {NULL, 0};
    skip_space(in);
    if (object) {
      if (!take(in, '"') || !read_string(in, &key)) return false;
      skip_space(in);
      if (!take(in, ':')) return false;
    }
    troupe_json *inner = read_value(in, depth + 1);
    if (!inner) return false;
    inner->key = key;
    *link = inner;
    link = &inner->next;
    outer->count++;
    skip_space(in);
  } while (take(in, ','));
  return take(in, close);
}

static bool read_kind(reader *in, troupe_json *json, int depth) {
  switch (*in->at) {
    case '{': in->at++; json->kind = TROUPE_OBJECT; return read_within(in, json, depth);
    case '[': in->at++; json->kind = TROUPE_ARRAY; return read_within(in, json, depth);
    case '"': in->at++; json->kind = TROUPE_STRING; return read_string(in, &json->text);
    case 't': json->kind = TROUPE_BOOL; return take_word(in, "true");
    case 'f': json->kind = TROUPE_BOOL; return take_word(in, "false");
    case 'n': json->kind = TROUPE_NULL; return take_word(in, "null");
    default: json->kind = TROUPE_NUMBER; return read_number(in);
  }
}

static troupe_json *read_value(reader *in, int depth) {
  skip_space(in);
  if (in->at == in->end) return NULL;
  troupe_json *json = troupe_allocate(sizeof *json);
  *json = (troupe_json){.kind = TROUPE_NOT_JSON};
  const char *start = in->at;
  if (!read_kind(in, json, depth)) return NULL;
  json->source = (troupe_text){start, (size_t)(in->at - start)};
  return json;
}

const troupe_json *troupe_read(troupe_text text) {
  reader in = {text.ptr, text.ptr + text.len};
  const troupe_json *json = read_value(&in, 0);
  skip_space(&in);
  return json && in.at == in.end ? json : &NOT_JSON;
}

const troupe_json *troupe_get(const troupe_json *object, const char *key) {
  const troupe_json *found = &NOTHING;
  if (object->kind != TROUPE_OBJECT) return found;
  for (const troupe_json *member = object->first; member; member = member->next)
    if (troupe_equal(member->key, troupe_literal(key))) found = member;
  return found;
}

bool troupe_is_object(const troupe_json *json, size_t count) {
  return json->kind == TROUPE_OBJECT && json->count == count;
}

// Digits alone, of a number below 2^64.
static bool integer(troupe_text digits, uint64_t *number) {
  *number = 0;
  for (size_t i = 0; i < digits.len; i++) {
    char c = digits.ptr[i];
    if (c < '0' || c > '9') return false;
    uint64_t digit = (uint64_t)(c - '0');
    if (*number > (UINT64_MAX - digit) / 10) return false;
    *number = *number * 10 + digit;
  }
  return digits.len > 0;
}

bool troupe_unsigned(const troupe_json *json, uint64_t least, uint64_t most, uint64_t *number) {
  uint64_t value;
  if (json->kind != TROUPE_NUMBER || !integer(json->source, &value)) return false;
  if (value < least || value > most) return false;
  if (number) *number = value;
  return true;
}

bool troupe_signed(const troupe_json *json, int64_t least, int64_t most, int64_t *number) {
  if (json->kind != TROUPE_NUMBER) return false;
  bool negative = json->source.ptr[0] == '-';
  uint64_t size;
  if (!integer((troupe_text){json->source.ptr + negative, json->source.len - negative}, &size)) return false;
  if (size > (uint64_t)INT64_MAX + negative) return false;
  int64_t value = (int64_t)(negative ? 0 - size : size);
  if (value < least || value > most) return false;
  if (number) *number = value;
  return true;
}

uint64_t troupe_number(const troupe_json *json) {
  uint64_t number = 0;
  troupe_unsigned(json, 0, UINT64_MAX, &number);
  return number;
}
