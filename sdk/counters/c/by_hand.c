// The counter that `troupe new` makes, without the SDK: the generated bindings, and the SDK's reader and writer of JSON.

#include "json.c"
#include "memory.c"
#include "text.c"
#include "bindings/component_type.h"
#include "bindings/whole_web_actor.c"

typedef whole_web_actor_list_u8_t bytes;
typedef whole_web_actor_string_t string;

static troupe_text text_of(const bytes *b) { return (troupe_text){(const char *)b->ptr, b->len}; }
static bytes bytes_of(troupe_text text) { return (bytes){(uint8_t *)text.ptr, text.len}; }

static bool no(string *reason, const char *why) {
  troupe_text text = troupe_literal(why);
  *reason = (string){(uint8_t *)text.ptr, text.len};
  return false;
}

bool exports_troupe_actor_handler_init(troupe_actor_types_context_t *context, bytes *config, bytes *state,
                                       string *failed) {
  (void)context, (void)config, (void)failed;
  *state = bytes_of(troupe_literal("{\"count\":0}"));
  return true;
}

bool exports_troupe_actor_handler_message_contract(troupe_actor_types_context_t *context, bytes *message, bytes *state,
                                                   string *refused) {
  (void)context, (void)state;
  const troupe_json *json = troupe_read(text_of(message));
  bool fits = troupe_is_object(json, 1) && troupe_unsigned(troupe_get(json, "add"), 0, UINT32_MAX, NULL);
  return fits || no(refused, "not {\"add\":N}");
}

bool exports_troupe_actor_handler_handle(troupe_actor_types_context_t *context, bytes *message, bytes *state,
                                         troupe_actor_types_outcome_t *handled, string *failed) {
  (void)context, (void)failed;
  uint64_t count = troupe_number(troupe_get(troupe_read(text_of(state)), "count")) +
                   troupe_number(troupe_get(troupe_read(text_of(message)), "add"));
  handled->state = bytes_of(troupe_join("{\"count\":", count, "}"));
  handled->reply.is_some = true;
  handled->reply.val = bytes_of(troupe_join(count));
  return true;
}

bool exports_troupe_actor_handler_state_contract(bytes *state, string *refused) {
  return troupe_read(text_of(state))->kind != TROUPE_NOT_JSON || no(refused, "not JSON");
}

bool exports_troupe_actor_migration_migrate(troupe_actor_types_context_t *context, bytes *old, bytes *state,
                                            string *failed) {
  (void)context, (void)failed;
  *state = *old;
  return true;
}

void exports_troupe_actor_description_schema(string *schema) {
  *schema = (string){(uint8_t *)"{}", 2};
}
