//! Over the reader of the SDK, compiled for this machine.

use std::process::Command;

use troupe_schema::contracts::Language;

use super::{MIXED, STOCK, Sample, has, repository};

const PROGRAM: &str = r#"
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "contracts.h"

void *troupe_allocate(size_t size) {
  void *memory = malloc(size ? size : 1);
  if (!memory) abort();
  return memory;
}

static troupe_reason decide(const char *part, const troupe_json *value) {
  if (!strcmp(part, "message")) return contract_message(value);
  if (!strcmp(part, "state")) return contract_state(value);
#ifdef HAS_REPLY
  if (!strcmp(part, "reply")) return contract_reply(value);
#endif
  return contract_config(value);
}

int main(void) {
  char *line = NULL;
  size_t room = 0;
  if (troupe_read(troupe_literal(CONTRACT_SCHEMA))->kind != TROUPE_OBJECT) return 1;
  for (ssize_t length; (length = getline(&line, &room, stdin)) > 0;) {
    char *value = strchr(line, '\t');
    *value++ = 0;
    troupe_reason wrong = decide(line, troupe_read((troupe_text){value, (size_t)(line + length - value)}));
    troupe_text shown = troupe_join(troupe_quote(wrong));
    if (wrong.ptr) printf("%.*s\n", (int)shown.len, shown.ptr);
    else puts("ok");
  }
  free(line);
  return 0;
}
"#;

#[test]
fn c_decides_as_the_schema_does() {
    if !has("cc") {
        return;
    }
    for sample in [STOCK, MIXED] {
        agrees(&sample);
    }
}

fn agrees(sample: &Sample) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("contracts.h"), sample.code(Language::C, "c")).unwrap();
    let (main, program) = (folder.path().join("main.c"), folder.path().join("decide"));
    std::fs::write(&main, PROGRAM).unwrap();
    let sdk = repository("sdk/c");
    let mut compiler = Command::new("cc");
    compiler.args(["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-I"]).arg(&sdk).arg(&main);
    if sample.text.contains("\"reply\"") {
        compiler.arg("-DHAS_REPLY");
    }
    compiler.args([sdk.join("json.c"), sdk.join("text.c")]).arg("-o").arg(&program);
    let compiled = compiler.output().unwrap();
    assert!(compiled.status.success(), "{}: {}", sample.name, String::from_utf8_lossy(&compiled.stderr));
    sample.agrees(&mut Command::new(&program));
}
