//! What generated C has beside checks: written if it is used.

pub(super) const HEAD: &str = r#"//
// What is wrong with a value, with its path; or TROUPE_OK. `accept` of the actor returns `contract_message(message)`, `check`
// returns `contract_state(state)`, and `.schema` is CONTRACT_SCHEMA.
#ifndef CONTRACTS_H
#define CONTRACTS_H

#include "troupe_actor.h"

// Where a value is: a member of an object, or, without a name, an element of an array.
typedef struct contract_place {
  const struct contract_place *around;
  troupe_text name;
  size_t index;
} contract_place;

static inline troupe_text contract_path(const contract_place *at) {
  if (!at) return troupe_literal("");
  troupe_text around = contract_path(at->around);
  if (!at->name.ptr) return troupe_join(around, "[", at->index, "]");
  return troupe_join(around, around.len ? "." : "", at->name);
}

static inline troupe_reason contract_wrong(const contract_place *at, const char *what) {
  troupe_text path = contract_path(at);
  return path.len ? troupe_join(path, ": ", what) : troupe_literal(what);
}

static inline bool contract_is(troupe_text text, const char *literal) { return troupe_equal(text, troupe_literal(literal)); }
"#;

pub(super) const SIZED: &str = r#"
// The characters of a text, in UTF-8.
static inline size_t contract_characters(troupe_text text) {
  size_t count = 0;
  for (size_t i = 0; i < text.len; i++) count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
  return count;
}
"#;

pub(super) const MATCHES: &str = r#"
// Between `least` and `most` characters of a class, given as ranges.
typedef struct {
  const uint32_t (*ranges)[2];
  size_t count;
  uint32_t least;
  uint32_t most;
} contract_step;

// The character at `*at` of UTF-8 that was read, and on to the next.
static inline uint32_t contract_character(troupe_text text, size_t *at) {
  unsigned char lead = (unsigned char)text.ptr[(*at)++];
  int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
  uint32_t c = more ? lead & (0x3fu >> more) : lead;
  while (more-- > 0 && *at < text.len) c = c << 6 | ((unsigned char)text.ptr[(*at)++] & 0x3fu);
  return c;
}

// Whether a text is made of these steps; it is never in doubt where one ends.
static inline bool contract_matches(troupe_text text, const contract_step *steps, size_t count) {
  size_t at = 0;
  for (const contract_step *step = steps; step < steps + count; step++) {
    uint32_t times = 0;
    while (times < step->most && at < text.len) {
      size_t next = at;
      uint32_t c = contract_character(text, &next);
      size_t range = 0;
      while (range < step->count && !(step->ranges[range][0] <= c && c <= step->ranges[range][1])) range++;
      if (range == step->count) break;
      at = next;
      times++;
    }
    if (times < step->least) return false;
  }
  return at == text.len;
}
"#;
