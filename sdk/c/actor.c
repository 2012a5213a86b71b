// The world's functions as those of an actor, and the other way round.
//
// Invariant: what was read of a message or state is used again only for the same bytes.

#include "bindings/component_type.h"
#include "bindings/whole_web_actor.h"
#include "troupe_actor.h"

typedef whole_web_actor_string_t string;
typedef whole_web_actor_list_u8_t bytes;

static troupe_text from_string(const string *s) { return (troupe_text){(const char *)s->ptr, s->len}; }
static troupe_text from_bytes(const bytes *b) { return (troupe_text){(const char *)b->ptr, b->len}; }
static string to_string(troupe_text text) { return (string){(uint8_t *)text.ptr, text.len}; }
static bytes to_bytes(troupe_text text) { return (bytes){(uint8_t *)text.ptr, text.len}; }

// ---- What the runtime asks

static troupe_text from_option(const whole_web_actor_option_string_t *option) {
  return option->is_some ? from_string(&option->val) : (troupe_text){NULL, 0};
}

static troupe_effect from_id(const troupe_actor_types_effect_id_t *id) { return (troupe_effect){id->seq, id->n}; }

static troupe_sender from_sender(const troupe_actor_types_sender_t *from) {
  troupe_sender sender = {.kind = (troupe_from)from->tag};
  switch (sender.kind) {
    case TROUPE_FROM_HTTP: break;
    case TROUPE_FROM_DID: sender.did = from_string(&from->val.did); break;
    case TROUPE_FROM_ACTOR:
    case TROUPE_FROM_PARENT: {
      const troupe_actor_types_effect_ref_t *effect =
          sender.kind == TROUPE_FROM_ACTOR ? &from->val.actor : &from->val.parent;
      sender.chain = from_string(&effect->chain);
      sender.entry = from_string(&effect->entry);
      sender.n = effect->n;
      break;
    }
    case TROUPE_FROM_TIMER:
      sender.effect = from_id(&from->val.timer.set);
      sender.due = from->val.timer.due;
      break;
    case TROUPE_FROM_REPLY:
      sender.effect = from_id(&from->val.reply.to);
      sender.chain = from_string(&from->val.reply.chain);
      sender.entry = from_string(&from->val.reply.entry);
      break;
    case TROUPE_FROM_NOTICE:
      sender.effect = from_id(&from->val.notice.of);
      sender.about = (troupe_about)from->val.notice.about;
      sender.chain = from_option(&from->val.notice.chain);
      sender.entry = from_option(&from->val.notice.entry);
      break;
  }
  return sender;
}

static troupe_context from_context(const troupe_actor_types_context_t *context) {
  return (troupe_context){.from = from_sender(&context->from), .at = context->at, .seq = context->seq};
}

// What was read last of each, since `handle` is given what the message contract was.
static const troupe_json *last_message, *last_state;
static troupe_text last_message_text, last_state_text;

static const troupe_json *read_again(troupe_text text, troupe_text *last_text, const troupe_json **last) {
  if (!*last || !troupe_equal(text, *last_text)) {
    *last = troupe_read(text);
    *last_text = text;
  }
  return *last;
}

static const troupe_json *read_message(const bytes *message) {
  return read_again(from_bytes(message), &last_message_text, &last_message);
}

static const troupe_json *read_state(const bytes *state) {
  return read_again(from_bytes(state), &last_state_text, &last_state);
}

// Whether there is no reason; if there is one, it is told.
static bool allowed(troupe_reason reason, string *told) {
  if (reason.ptr) *told = to_string(reason);
  return !reason.ptr;
}

static troupe_reason json_only(const troupe_json *json) {
  return json->kind == TROUPE_NOT_JSON ? troupe_literal("not JSON") : TROUPE_OK;
}

bool exports_troupe_actor_handler_init(troupe_actor_types_context_t *context, bytes *config, bytes *state,
                                       string *failed) {
  static const troupe_json none = {.kind = TROUPE_NOTHING};
  troupe_context given = from_context(context);
  troupe_outcome outcome = troupe_this_actor.init(&given, config ? troupe_read(from_bytes(config)) : &none);
  *state = to_bytes(outcome.state);
  return allowed(outcome.failed, failed);
}

bool exports_troupe_actor_handler_message_contract(troupe_actor_types_context_t *context, bytes *message, bytes *state,
                                                   string *refused) {
  const troupe_json *told = read_message(message);
  if (!troupe_this_actor.accept) return allowed(json_only(told), refused);
  troupe_context given = from_context(context);
  return allowed(troupe_this_actor.accept(&given, told, read_state(state)), refused);
}

bool exports_troupe_actor_handler_handle(troupe_actor_types_context_t *context, bytes *message, bytes *state,
                                         troupe_actor_types_outcome_t *handled, string *failed) {
  troupe_context given = from_context(context);
  troupe_outcome outcome = troupe_this_actor.handle(&given, read_message(message), read_state(state));
  handled->state = to_bytes(outcome.state);
  handled->reply.is_some = outcome.reply.ptr != NULL;
  handled->reply.val = to_bytes(outcome.reply);
  return allowed(outcome.failed, failed);
}

bool exports_troupe_actor_handler_state_contract(bytes *state, string *refused) {
  const troupe_json *json = read_state(state);
  return allowed(troupe_this_actor.check ? troupe_this_actor.check(json) : json_only(json), refused);
}

bool exports_troupe_actor_migration_migrate(troupe_actor_types_context_t *context, bytes *old, bytes *state,
                                            string *failed) {
  *state = *old;
  if (!troupe_this_actor.migrate) return true;
  troupe_context given = from_context(context);
  troupe_outcome outcome = troupe_this_actor.migrate(&given, read_state(old));
  *state = to_bytes(outcome.state);
  return allowed(outcome.failed, failed);
}

void exports_troupe_actor_description_schema(string *schema) {
  *schema = to_string(troupe_literal(troupe_this_actor.schema ? troupe_this_actor.schema : "{}"));
}

troupe_text troupe_from_name(troupe_from from) {
  static const char *const names[] = {"http", "did", "actor", "timer", "reply", "notice", "parent"};
  return troupe_literal(names[from]);
}

// ---- What the actor asks

void troupe_send(troupe_text to, troupe_text message) {
  string name = to_string(to);
  bytes payload = to_bytes(message);
  troupe_actor_runtime_send(&name, &payload);
}

troupe_effect troupe_request(troupe_text to, troupe_text message, uint64_t timeout) {
  string name = to_string(to);
  bytes payload = to_bytes(message);
  troupe_actor_types_effect_id_t id;
  troupe_actor_runtime_request(&name, &payload, timeout, &id);
  return from_id(&id);
}

troupe_effect troupe_set_timer(uint64_t after, troupe_text message) {
  bytes payload = to_bytes(message);
  troupe_actor_types_effect_id_t id;
  troupe_actor_runtime_set_timer(after, &payload, &id);
  return from_id(&id);
}

troupe_effect troupe_set_cron(troupe_text cron, troupe_text message) {
  string when = to_string(cron);
  bytes payload = to_bytes(message);
  troupe_actor_types_effect_id_t id;
  troupe_actor_runtime_set_cron(&when, &payload, &id);
  return from_id(&id);
}

void troupe_cancel(troupe_effect timer) {
  troupe_actor_types_effect_id_t id = {timer.seq, timer.n};
  troupe_actor_runtime_cancel(&id);
}

void troupe_stop(troupe_text child) {
  string name = to_string(child);
  troupe_actor_runtime_stop(&name);
}

void troupe_exit(troupe_text reason) {
  string text = to_string(reason);
  troupe_actor_runtime_exit(&text);
}

static whole_web_actor_option_string_t to_option(troupe_text text) {
  return (whole_web_actor_option_string_t){text.ptr != NULL, to_string(text)};
}

static whole_web_actor_option_list_u8_t to_option_bytes(troupe_text text) {
  return (whole_web_actor_option_list_u8_t){text.ptr != NULL, to_bytes(text)};
}

troupe_effect troupe_spawn(const troupe_child *child) {
  troupe_actor_runtime_child_t asked = {
      .component = to_option(child->component),
      .config = to_option_bytes(child->config),
      .name = to_option(child->name),
      .grants = {(string *)child->grants, child->grant_count},
  };
  const troupe_supervision *policy = child->supervision;
  if (policy) {
    asked.supervision.is_some = true;
    asked.supervision.val = (troupe_actor_runtime_supervision_t){
        .on_failure = (uint8_t)policy->on_failure,
        .failures = policy->failures,
        .within = policy->within,
        .backoff = policy->backoff,
        .max_backoff = policy->max_backoff,
        .max_restarts = policy->max_restarts,
    };
  }
  troupe_actor_types_effect_id_t id;
  troupe_actor_runtime_spawn(&asked, &id);
  return from_id(&id);
}

static void write_log(uint8_t level, troupe_text line) {
  string text = to_string(line);
  troupe_actor_runtime_log(level, &text);
}

void troupe_debug(troupe_text line) { write_log(TROUPE_ACTOR_RUNTIME_LEVEL_DEBUG, line); }
void troupe_info(troupe_text line) { write_log(TROUPE_ACTOR_RUNTIME_LEVEL_INFO, line); }
void troupe_warn(troupe_text line) { write_log(TROUPE_ACTOR_RUNTIME_LEVEL_WARN, line); }
void troupe_error(troupe_text line) { write_log(TROUPE_ACTOR_RUNTIME_LEVEL_ERROR, line); }

// Texts and strings, and so headers and pairs of strings, are laid out alike.
_Static_assert(sizeof(troupe_text) == sizeof(string), "a text is a string");
_Static_assert(sizeof(troupe_header) == sizeof(whole_web_actor_tuple2_string_string_t), "a header is two strings");

troupe_web_response troupe_fetch(const troupe_web_request *request) {
  troupe_actor_http_request_t asked = {
      .method = to_string(request->method),
      .url = to_string(request->url),
      .headers = {(whole_web_actor_tuple2_string_string_t *)request->headers, request->header_count},
      .body = to_option_bytes(request->body),
  };
  troupe_actor_http_response_t answer;
  string failed;
  if (!troupe_actor_http_fetch(&asked, &answer, &failed))
    return (troupe_web_response){.failed = failed.len ? from_string(&failed) : troupe_literal("no answer")};
  return (troupe_web_response){
      .status = answer.status,
      .headers = (const troupe_header *)answer.headers.ptr,
      .header_count = answer.headers.len,
      .body = from_bytes(&answer.body),
  };
}
