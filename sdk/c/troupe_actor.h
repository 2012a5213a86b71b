// Actors for Troupe in C. README.md has a counter, and how to build it.
//
// Memory: an instance serves one message and is gone. So everything that an actor is given, and everything that it
// allocates here, lives until the instance ends. Nothing is owned by anybody, and nothing is freed.
//
// Deliberately absent: a C library. Nothing here needs one, and nothing here is in the way of one.
#ifndef TROUPE_ACTOR_H
#define TROUPE_ACTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ---- Text

// Bytes, by convention UTF-8; they need not end with a NUL.
typedef struct {
  const char *ptr;
  size_t len;
} troupe_text;

// Text that is to be written as a JSON string, with quotation marks and escapes.
typedef struct {
  troupe_text text;
} troupe_quoted;

// Text as it is given: a literal, or what ends with a NUL.
troupe_text troupe_literal(const char *text);
// For `troupe_join`: this text as a JSON string.
troupe_quoted troupe_quote(troupe_text text);
// Whether the bytes are the same.
bool troupe_equal(troupe_text a, troupe_text b);
// Less than, equal to or greater than 0, by bytes.
int troupe_compare(troupe_text a, troupe_text b);

// Something that can be written. Made by `troupe_join`.
typedef struct {
  enum { TROUPE_PIECE_TEXT, TROUPE_PIECE_QUOTED, TROUPE_PIECE_UNSIGNED, TROUPE_PIECE_SIGNED, TROUPE_PIECE_BOOL } kind;
  union {
    troupe_text text;
    uint64_t number;
    int64_t integer;
    bool truth;
  } of;
} troupe_piece;

troupe_piece troupe_piece_literal(const char *text);
troupe_piece troupe_piece_text(troupe_text text);
troupe_piece troupe_piece_quoted(troupe_quoted quoted);
troupe_piece troupe_piece_unsigned(unsigned long long number);
troupe_piece troupe_piece_signed(long long number);
troupe_piece troupe_piece_bool(bool truth);
troupe_text troupe_join_pieces(const troupe_piece *pieces, size_t count);

#define TROUPE_PIECE(x)                       \
  _Generic((x),                               \
      char *: troupe_piece_literal,           \
      const char *: troupe_piece_literal,     \
      troupe_text: troupe_piece_text,         \
      troupe_quoted: troupe_piece_quoted,     \
      bool: troupe_piece_bool,                \
      signed char: troupe_piece_signed,       \
      short: troupe_piece_signed,             \
      int: troupe_piece_signed,               \
      long: troupe_piece_signed,              \
      long long: troupe_piece_signed,         \
      unsigned char: troupe_piece_unsigned,   \
      unsigned short: troupe_piece_unsigned,  \
      unsigned: troupe_piece_unsigned,        \
      unsigned long: troupe_piece_unsigned,   \
      unsigned long long: troupe_piece_unsigned)(x)

#define TROUPE_COUNT_(_1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16, n, ...) n
#define TROUPE_COUNT(...) TROUPE_COUNT_(__VA_ARGS__, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define TROUPE_PASTE_(a, b) a##b
#define TROUPE_PASTE(a, b) TROUPE_PASTE_(a, b)
#define TROUPE_EACH1(a) TROUPE_PIECE(a)
#define TROUPE_EACH2(a, ...) TROUPE_PIECE(a), TROUPE_EACH1(__VA_ARGS__)
#define TROUPE_EACH3(a, ...) TROUPE_PIECE(a), TROUPE_EACH2(__VA_ARGS__)
#define TROUPE_EACH4(a, ...) TROUPE_PIECE(a), TROUPE_EACH3(__VA_ARGS__)
#define TROUPE_EACH5(a, ...) TROUPE_PIECE(a), TROUPE_EACH4(__VA_ARGS__)
#define TROUPE_EACH6(a, ...) TROUPE_PIECE(a), TROUPE_EACH5(__VA_ARGS__)
#define TROUPE_EACH7(a, ...) TROUPE_PIECE(a), TROUPE_EACH6(__VA_ARGS__)
#define TROUPE_EACH8(a, ...) TROUPE_PIECE(a), TROUPE_EACH7(__VA_ARGS__)
#define TROUPE_EACH9(a, ...) TROUPE_PIECE(a), TROUPE_EACH8(__VA_ARGS__)
#define TROUPE_EACH10(a, ...) TROUPE_PIECE(a), TROUPE_EACH9(__VA_ARGS__)
#define TROUPE_EACH11(a, ...) TROUPE_PIECE(a), TROUPE_EACH10(__VA_ARGS__)
#define TROUPE_EACH12(a, ...) TROUPE_PIECE(a), TROUPE_EACH11(__VA_ARGS__)
#define TROUPE_EACH13(a, ...) TROUPE_PIECE(a), TROUPE_EACH12(__VA_ARGS__)
#define TROUPE_EACH14(a, ...) TROUPE_PIECE(a), TROUPE_EACH13(__VA_ARGS__)
#define TROUPE_EACH15(a, ...) TROUPE_PIECE(a), TROUPE_EACH14(__VA_ARGS__)
#define TROUPE_EACH16(a, ...) TROUPE_PIECE(a), TROUPE_EACH15(__VA_ARGS__)

// One text of up to 16 pieces: literals, texts, quoted texts, integers, and variables of type `bool` (`true` is an `int` in
// C11).
//
//   troupe_join("{\"item\":", troupe_quote(item), ",\"n\":", n, "}")
#define troupe_join(...)                                                                     \
  troupe_join_pieces((const troupe_piece[]){TROUPE_PASTE(TROUPE_EACH, TROUPE_COUNT(__VA_ARGS__))(__VA_ARGS__)}, \
                     TROUPE_COUNT(__VA_ARGS__))

// ---- JSON

// The deepest nesting that is read; anything deeper is not JSON here.
#define TROUPE_DEPTH 64

typedef enum {
  TROUPE_NOTHING,  // There is no such member, or no configuration was given.
  TROUPE_NOT_JSON, // The bytes are not JSON.
  TROUPE_NULL,
  TROUPE_BOOL,
  TROUPE_NUMBER,
  TROUPE_STRING,
  TROUPE_ARRAY,
  TROUPE_OBJECT,
} troupe_kind;

// A value that was read. Each takes one node of 64 bytes or less, and a string with escapes its length beside.
typedef struct troupe_json {
  troupe_kind kind;
  // The value as it was written.
  troupe_text source;
  // Of a string: its characters.
  troupe_text text;
  // Of a member of an object: its name.
  troupe_text key;
  // Of an array or object: how many there are within, and the first of them, linked by `next`.
  size_t count;
  const struct troupe_json *first;
  const struct troupe_json *next;
} troupe_json;

// Reads JSON. Never NULL: what cannot be read is of the kind TROUPE_NOT_JSON.
const troupe_json *troupe_read(troupe_text text);
// The member of an object; of the kind TROUPE_NOTHING if there is none, or no object. Of two of a name, the last.
const troupe_json *troupe_get(const troupe_json *object, const char *key);
// Whether it is an object of exactly `count` members.
bool troupe_is_object(const troupe_json *json, size_t count);
// Whether it is an integer from `least` to `most`, written without a fraction or an exponent; `number`, which may be NULL,
// is set only then.
bool troupe_unsigned(const troupe_json *json, uint64_t least, uint64_t most, uint64_t *number);
bool troupe_signed(const troupe_json *json, int64_t least, int64_t most, int64_t *number);
// The number, or 0 if it is none: for states, which were checked before.
uint64_t troupe_number(const troupe_json *json);

// ---- Context

// An effect of this actor: number `n`, from 0, of the entry at position `seq`.
typedef struct {
  uint64_t seq;
  uint32_t n;
} troupe_effect;

typedef enum {
  TROUPE_FROM_HTTP,   // An HTTP client that did not say who it is.
  TROUPE_FROM_DID,    // Whoever holds the key of `did`, and signed the message with it.
  TROUPE_FROM_ACTOR,  // Another actor: `chain`, `entry` and `n` are its effect.
  TROUPE_FROM_TIMER,  // A timer: `effect` set it, and it was `due`.
  TROUPE_FROM_REPLY,  // The receiver of the request `effect`: its `chain` and `entry`.
  TROUPE_FROM_NOTICE, // The runtime: `effect` is what it is `about`; `chain` and `entry` of the other actor, or empty.
  TROUPE_FROM_PARENT, // The actor that started this one: `chain`, `entry` and `n` are its effect.
} troupe_from;

// What became of an effect; wit/actor/actor.wit says when.
typedef enum {
  TROUPE_BUSY,
  TROUPE_FAILED,
  TROUPE_LAPSED,
  TROUPE_LATE,
  TROUPE_NO_REPLY,
  TROUPE_OUT_OF_TIME,
  TROUPE_PAUSED,
  TROUPE_REFUSED,
  TROUPE_RESTARTED,
  TROUPE_STARTED,
  TROUPE_STOPPED,
  TROUPE_UNKNOWN,
} troupe_about;

// Who sent a message. What does not belong to `kind` is 0.
typedef struct {
  troupe_from kind;
  troupe_text did;
  troupe_text chain;
  troupe_text entry;
  uint32_t n;
  troupe_effect effect;
  uint64_t due;
  troupe_about about;
} troupe_sender;

// `http`, `did`, `actor`, `timer`, `reply`, `notice` or `parent`.
troupe_text troupe_from_name(troupe_from from);

typedef struct {
  troupe_sender from;
  // The entry's time: milliseconds since 1970, never less than that of the entry before.
  uint64_t at;
  // The entry's position in the chain. A message never has 0 (genesis) or 1 (init).
  uint64_t seq;
} troupe_context;

// ---- The actor

// Why a message is refused or a state is not allowed; TROUPE_OK if it is. An empty reason refuses, too.
typedef troupe_text troupe_reason;
#define TROUPE_OK ((troupe_reason){NULL, 0})

// What a message leads to: a state, and a reply if `reply.ptr` is set; or a failure if `failed.ptr` is.
typedef struct {
  troupe_text state;
  troupe_text reply;
  troupe_reason failed;
} troupe_outcome;

// The functions of an actor. Those that may be NULL say what then is.
typedef struct {
  // Makes the first state. `config` is of the kind TROUPE_NOTHING if there is none.
  troupe_outcome (*init)(const troupe_context *context, const troupe_json *config);
  // The message contract: a reason refuses the message. NULL takes any JSON, and refuses what is none.
  troupe_reason (*accept)(const troupe_context *context, const troupe_json *message, const troupe_json *state);
  // Takes a message that was accepted.
  troupe_outcome (*handle)(const troupe_context *context, const troupe_json *message, const troupe_json *state);
  // The state contract, asked of each new state. NULL allows any JSON.
  troupe_reason (*check)(const troupe_json *state);
  // Makes a state of one that other code led to. NULL leaves it as it is.
  troupe_outcome (*migrate)(const troupe_context *context, const troupe_json *old);
  // JSON Schemas of `message`, `state`, `config` and `reply` in one JSON object. NULL says nothing.
  const char *schema;
} troupe_actor;

extern const troupe_actor troupe_this_actor;

// Makes the module this actor: `TROUPE_ACTOR(.init = init, .handle = handle)`. To be written once.
#define TROUPE_ACTOR(...) const troupe_actor troupe_this_actor = {__VA_ARGS__}

// ---- Effects
//
// They may be asked for in `init`, `handle` and `migrate`, and trap anywhere else. An address or text is 1 to 256 printable
// ASCII characters, and a time at most 2^53-1 milliseconds; anything else traps. To trap is to fail: nothing is done.

// Sends a message to the actor of this name or id.
void troupe_send(troupe_text to, troupe_text message);
// Sends one that is to be replied to within `timeout`. The reply comes as a message from TROUPE_FROM_REPLY, and what else
// becomes of it as one from TROUPE_FROM_NOTICE.
troupe_effect troupe_request(troupe_text to, troupe_text message, uint64_t timeout);
// Sends this actor a message after so many milliseconds.
troupe_effect troupe_set_timer(uint64_t after, troupe_text message);
// And whenever it is time: minute, hour, day of month, month and day of week, in UTC; with a sixth field in front, seconds.
troupe_effect troupe_set_cron(troupe_text cron, troupe_text message);
// Ends a timer of this actor; does nothing if it has gone off.
void troupe_cancel(troupe_effect timer);
// Stops a child.
void troupe_stop(troupe_text child);
// Ends this actor, once the entry being made is committed.
void troupe_exit(troupe_text reason);

typedef enum {
  TROUPE_GO_ON,
  TROUPE_PAUSE,
  TROUPE_RESTART,
  TROUPE_RESTORE,
  TROUPE_STOP,
  TROUPE_ESCALATE,
} troupe_on_failure;

// When failures are repeated failures, and what is done about them; times in milliseconds.
typedef struct {
  troupe_on_failure on_failure;
  uint32_t failures;
  uint64_t within;
  uint64_t backoff;
  uint64_t max_backoff;
  uint32_t max_restarts;
} troupe_supervision;

// An actor to be started. What is not set is left out: this actor's own component, no configuration, no name.
typedef struct {
  troupe_text component;
  troupe_text config;
  troupe_text name;
  const troupe_text *grants;
  size_t grant_count;
  const troupe_supervision *supervision;
} troupe_child;

// Starts another actor, with this one as its parent.
troupe_effect troupe_spawn(const troupe_child *child);

// ---- Log

// Writes a line to the actor's log, also in contracts. It reaches no chain and no other actor.
void troupe_debug(troupe_text line);
void troupe_info(troupe_text line);
void troupe_warn(troupe_text line);
void troupe_error(troupe_text line);

// ---- The web, for actors that are granted hosts of it

typedef struct {
  troupe_text name;
  troupe_text value;
} troupe_header;

typedef struct {
  troupe_text method;
  troupe_text url;
  const troupe_header *headers;
  size_t header_count;
  // Left out if `ptr` is NULL.
  troupe_text body;
} troupe_web_request;

typedef struct {
  uint16_t status;
  const troupe_header *headers;
  size_t header_count;
  troupe_text body;
  // Why there is no answer; TROUPE_OK if there is.
  troupe_reason failed;
} troupe_web_response;

// Asks, and waits for the answer, which is recorded. A module that does not call it does not import the web.
troupe_web_response troupe_fetch(const troupe_web_request *request);

// ---- Memory

// Memory until the instance ends, aligned to 8 bytes; traps if there is none.
void *troupe_allocate(size_t size);

#endif
