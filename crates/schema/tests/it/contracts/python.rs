//! Through the package `troupe_actor`, in Python.

use std::process::Command;

use troupe_schema::contracts::Language;

use super::{MIXED, NUMBERS, STOCK, has, repository};

const PROGRAM: &str = r#"
import json
import sys

from contracts import Config, Message, State
from troupe_actor import actor
from troupe_actor.definition import definition_of
from troupe_actor.shapes import Wrong, shape

try:
    from contracts import Reply
except ImportError:
    Reply = None


@actor
class Made(State):
    @classmethod
    def init(cls, config: Config | None) -> "Made":
        raise NotImplementedError

    def handle(self, message: Message) -> None:
        pass


made = definition_of(Made)
shapes = {
    "message": made.handle.handle.shape,
    "state": made.state,
    "config": made.config,
    "reply": shape(Reply, "reply", whole=True),
}
for line in sys.stdin:
    part, value = line.split("\t", 1)
    try:
        shapes[part].read(json.loads(value))
        print("ok")
    except Wrong as wrong:
        print(json.dumps(f"{part}{wrong.path}: {wrong.what}"))
"#;

#[test]
fn python_decides_as_the_schema_does() {
    if !has("python3") {
        return;
    }
    for sample in [STOCK, MIXED, NUMBERS] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("contracts.py"), sample.code(Language::Python, "python")).unwrap();
        let program = folder.path().join("decide.py");
        std::fs::write(&program, PROGRAM).unwrap();
        let mut command = Command::new("python3");
        command
            .arg("-B")
            .arg(&program)
            .env("PYTHONPATH", repository("sdk/python/src"))
            .env("PYTHONUTF8", "1");
        sample.agrees(&mut command);
    }
}
