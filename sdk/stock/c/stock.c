// What a shop has on its shelves, for the world `troupe:actor/whole-actor`. ../README.md says what it does.

#include "schema.h"
#include "troupe_actor.h"

#define MOST 1000000u
#define MAX_AFTER 86400000u
#define MAX_ITEM 32u
#define MAX_NAME 256u

// ---- What is told

typedef enum { ADD, TAKE, TOTAL, REMIND, WHO, FAIL, NO_MESSAGE } key;

static const char *const KEYS[] = {"add", "take", "total", "remind", "who", "fail"};

typedef struct {
  key key;
  troupe_text item;
  uint64_t n;
} told;

static bool is_item(const troupe_json *json, troupe_text *item) {
  if (json->kind != TROUPE_STRING || json->text.len < 1 || json->text.len > MAX_ITEM) return false;
  for (size_t i = 0; i < json->text.len; i++) {
    char c = json->text.ptr[i];
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return false;
  }
  *item = json->text;
  return true;
}

static told understand(const troupe_json *message) {
  told no = {.key = NO_MESSAGE};
  if (!troupe_is_object(message, 1)) return no;
  const troupe_json *inner = message->first;
  told it = {.key = ADD};
  while (it.key < NO_MESSAGE && !troupe_equal(inner->key, troupe_literal(KEYS[it.key]))) it.key++;
  bool fits = false;
  switch (it.key) {
    case ADD:
    case TAKE:
      fits = troupe_is_object(inner, 2) && is_item(troupe_get(inner, "item"), &it.item) &&
             troupe_unsigned(troupe_get(inner, "n"), 1, MOST, &it.n);
      break;
    case REMIND:
      fits = troupe_is_object(inner, 1) && troupe_unsigned(troupe_get(inner, "after"), 1, MAX_AFTER, &it.n);
      break;
    case TOTAL:
    case WHO:
    case FAIL: fits = troupe_is_object(inner, 0); break;
    case NO_MESSAGE: break;
  }
  return fits ? it : no;
}

// ---- The state

static bool is_alert(const troupe_json *json) {
  if (json->kind == TROUPE_NULL) return true;
  if (json->kind != TROUPE_STRING || json->text.len < 1 || json->text.len > MAX_NAME) return false;
  for (size_t i = 0; i < json->text.len; i++)
    if (json->text.ptr[i] < ' ' || json->text.ptr[i] > '~') return false;
  return true;
}

static uint64_t count_of(const troupe_json *items, troupe_text item) {
  for (const troupe_json *each = items->first; each; each = each->next)
    if (troupe_equal(each->key, item)) return troupe_number(each);
  return 0;
}

static troupe_text state_of(troupe_text alert, troupe_text items, troupe_text low, uint64_t seen) {
  return troupe_join("{\"alert\":", alert, ",\"items\":", items, ",\"low\":", low, ",\"seen\":", seen, "}");
}

// The items, where there are now `count` of one; they are in ascending order, and stay so.
static troupe_text items_with(const troupe_json *items, troupe_text item, uint64_t count) {
  troupe_text all = troupe_literal("{");
  bool placed = count == 0;
  for (const troupe_json *each = items->first;; each = each->next) {
    int order = each ? troupe_compare(each->key, item) : 1;
    if (!placed && order >= 0) {
      all = troupe_join(all, all.len > 1 ? "," : "", troupe_quote(item), ":", count);
      placed = true;
    }
    if (!each) return troupe_join(all, "}");
    if (order != 0) all = troupe_join(all, all.len > 1 ? "," : "", troupe_quote(each->key), ":", each->source);
  }
}

// ---- The actor

static troupe_outcome init(const troupe_context *context, const troupe_json *config) {
  (void)context;
  const troupe_json *alert = troupe_get(config, "alert"), *low = troupe_get(config, "low");
  bool has_alert = alert->kind != TROUPE_NOTHING, has_low = low->kind != TROUPE_NOTHING;
  bool given = config->kind != TROUPE_NOTHING && config->kind != TROUPE_NULL;
  if ((given && !troupe_is_object(config, (size_t)has_alert + has_low)) || (has_alert && !is_alert(alert)) ||
      (has_low && !troupe_unsigned(low, 0, MOST, NULL)))
    return (troupe_outcome){.failed = troupe_literal("not a configuration")};
  troupe_text name = has_alert ? alert->source : troupe_literal("null");
  troupe_text least = has_low ? low->source : troupe_literal("0");
  return (troupe_outcome){.state = state_of(name, troupe_literal("{}"), least, 0)};
}

static troupe_reason accept(const troupe_context *context, const troupe_json *message, const troupe_json *state) {
  (void)context;
  told it = understand(message);
  if (it.key == NO_MESSAGE) return troupe_literal("not a message of stock");
  uint64_t count = count_of(troupe_get(state, "items"), it.item);
  if (it.key == ADD && count + it.n > MOST) return troupe_join("no room for ", it.n, " of ", it.item);
  if (it.key == TAKE && it.n > count) return troupe_join("only ", count, " of ", it.item);
  return TROUPE_OK;
}

static troupe_text total(const troupe_json *items) {
  uint64_t sum = 0;
  for (const troupe_json *each = items->first; each; each = each->next) sum += troupe_number(each);
  return troupe_join("{\"items\":", items->count, ",\"total\":", sum, "}");
}

static troupe_outcome handle(const troupe_context *context, const troupe_json *message, const troupe_json *state) {
  told it = understand(message);
  const troupe_json *alert = troupe_get(state, "alert"), *items = troupe_get(state, "items");
  troupe_text now = items->source, reply = {NULL, 0};
  troupe_debug(troupe_literal(KEYS[it.key]));
  switch (it.key) {
    case ADD:
    case TAKE: {
      uint64_t count = count_of(items, it.item);
      count = it.key == ADD ? count + it.n : count - it.n;
      now = items_with(items, it.item, count);
      reply = troupe_join("{\"item\":", troupe_quote(it.item), ",\"n\":", count, "}");
      if (it.key == TAKE && alert->kind == TROUPE_STRING && count < troupe_number(troupe_get(state, "low")))
        troupe_send(alert->text, troupe_join("{\"item\":", troupe_quote(it.item), ",\"low\":", count, "}"));
      break;
    }
    case TOTAL: reply = total(items); break;
    case REMIND: {
      troupe_effect timer = troupe_set_timer(it.n, troupe_literal("{\"total\":{}}"));
      reply = troupe_join("{\"timer\":{\"seq\":", timer.seq, ",\"n\":", timer.n, "}}");
      break;
    }
    case WHO: {
      troupe_quoted from = troupe_quote(troupe_from_name(context->from.kind));
      reply = troupe_join("{\"at\":", context->at, ",\"from\":", from, ",\"seq\":", context->seq, "}");
      break;
    }
    case FAIL:
    case NO_MESSAGE: return (troupe_outcome){.failed = troupe_literal("asked to fail")};
  }
  uint64_t seen = troupe_number(troupe_get(state, "seen")) + 1;
  return (troupe_outcome){state_of(alert->source, now, troupe_get(state, "low")->source, seen), reply, TROUPE_OK};
}

static troupe_reason check(const troupe_json *state) {
  if (!troupe_is_object(state, 4)) return troupe_literal("not an object of four members");
  const troupe_json *items = troupe_get(state, "items");
  if (!is_alert(troupe_get(state, "alert"))) return troupe_literal("`alert` is not the name of an actor");
  if (!troupe_unsigned(troupe_get(state, "low"), 0, MOST, NULL)) return troupe_literal("`low` is not a count");
  if (!troupe_unsigned(troupe_get(state, "seen"), 0, UINT64_MAX, NULL)) return troupe_literal("`seen` is not a count");
  if (items->kind != TROUPE_OBJECT) return troupe_literal("`items` is not an object");
  for (const troupe_json *each = items->first; each; each = each->next) {
    troupe_json name = {.kind = TROUPE_STRING, .text = each->key};
    troupe_text item;
    if (!is_item(&name, &item)) return troupe_literal("not the name of an item");
    if (!troupe_unsigned(each, 1, MOST, NULL)) return troupe_join("not a count of ", item);
  }
  return TROUPE_OK;
}

TROUPE_ACTOR(.init = init, .accept = accept, .handle = handle, .check = check, .schema = SCHEMA);
