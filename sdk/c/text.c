// Text: put together of pieces in one allocation.

#include "troupe_actor.h"

// The digits of 2^64, and a sign.
#define LONGEST_NUMBER 21

troupe_text troupe_literal(const char *text) { return (troupe_text){text, __builtin_strlen(text)}; }

troupe_quoted troupe_quote(troupe_text text) { return (troupe_quoted){text}; }

int troupe_compare(troupe_text a, troupe_text b) {
  size_t shorter = a.len < b.len ? a.len : b.len;
  int order = shorter ? __builtin_memcmp(a.ptr, b.ptr, shorter) : 0;
  return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool troupe_equal(troupe_text a, troupe_text b) { return a.len == b.len && troupe_compare(a, b) == 0; }

troupe_piece troupe_piece_literal(const char *text) { return troupe_piece_text(troupe_literal(text)); }

troupe_piece troupe_piece_text(troupe_text text) {
  return (troupe_piece){.kind = TROUPE_PIECE_TEXT, .of.text = text};
}

troupe_piece troupe_piece_quoted(troupe_quoted quoted) {
  return (troupe_piece){.kind = TROUPE_PIECE_QUOTED, .of.text = quoted.text};
}

troupe_piece troupe_piece_unsigned(unsigned long long number) {
  return (troupe_piece){.kind = TROUPE_PIECE_UNSIGNED, .of.number = number};
}

troupe_piece troupe_piece_signed(long long number) {
  return (troupe_piece){.kind = TROUPE_PIECE_SIGNED, .of.integer = number};
}

troupe_piece troupe_piece_bool(bool truth) { return (troupe_piece){.kind = TROUPE_PIECE_BOOL, .of.truth = truth}; }

// The letter of a short escape, or 0.
static char escape(unsigned char c) {
  switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return 0;
  }
}

static size_t quoted_length(troupe_text text) {
  size_t length = 2;
  for (size_t i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.ptr[i];
    length += escape(c) ? 2 : c < 0x20 ? 6 : 1;
  }
  return length;
}

static char *put_text(char *to, troupe_text text) {
  if (text.len) __builtin_memcpy(to, text.ptr, text.len);
  return to + text.len;
}

static char *put_quoted(char *to, troupe_text text) {
  static const char hex[] = "0123456789abcdef";
  *to++ = '"';
  for (size_t i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.ptr[i];
    char letter = escape(c);
    if (letter) {
      *to++ = '\\';
      *to++ = letter;
    } else if (c < 0x20) {
      to = put_text(to, (troupe_text){"\\u00", 4});
      *to++ = hex[c >> 4];
      *to++ = hex[c & 15];
    } else {
      *to++ = (char)c;
    }
  }
  *to++ = '"';
  return to;
}

static char *put_number(char *to, uint64_t number) {
  char digits[LONGEST_NUMBER];
  size_t at = sizeof digits;
  do {
    digits[--at] = (char)('0' + number % 10);
    number /= 10;
  } while (number);
  return put_text(to, (troupe_text){digits + at, sizeof digits - at});
}

troupe_text troupe_join_pieces(const troupe_piece *pieces, size_t count) {
  size_t most = 0;
  for (size_t i = 0; i < count; i++) {
    switch (pieces[i].kind) {
      case TROUPE_PIECE_TEXT: most += pieces[i].of.text.len; break;
      case TROUPE_PIECE_QUOTED: most += quoted_length(pieces[i].of.text); break;
      default: most += LONGEST_NUMBER;
    }
  }
  char *start = troupe_allocate(most), *to = start;
  for (size_t i = 0; i < count; i++) {
    const troupe_piece *piece = &pieces[i];
    switch (piece->kind) {
      case TROUPE_PIECE_TEXT: to = put_text(to, piece->of.text); break;
      case TROUPE_PIECE_QUOTED: to = put_quoted(to, piece->of.text); break;
      case TROUPE_PIECE_UNSIGNED: to = put_number(to, piece->of.number); break;
      case TROUPE_PIECE_SIGNED:
        if (piece->of.integer < 0) *to++ = '-';
        to = put_number(to, piece->of.integer < 0 ? 0 - (uint64_t)piece->of.integer : (uint64_t)piece->of.integer);
        break;
      case TROUPE_PIECE_BOOL: to = put_text(to, troupe_literal(piece->of.truth ? "true" : "false")); break;
    }
  }
  return (troupe_text){start, (size_t)(to - start)};
}
