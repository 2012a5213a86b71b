#!/usr/bin/env python3
"""Turns what `wit-bindgen c` made into `bindings/`: without a C library, and with the component type as assembler text.

usage: generate.py FOLDER    FOLDER has whole_web_actor.c, .h and whole_web_actor_component_type.o

FOLDER is what this makes, in the root of the repository, with wit-bindgen 0.63:

  wit-bindgen c wit/actor --world whole-web-actor --out-dir FOLDER
"""
import hashlib
import re
import sys
from pathlib import Path

BINDINGS = Path(__file__).parent / "bindings"
WIT = Path(__file__).parents[2] / "wit/actor/actor.wit"
PER_LINE = 24
# The generated code asks a C library for memory; here the SDK gives it.
REPLACED = [
    (r"#include <stdlib.h>\n#include <string.h>\n", '#include "memory.h"\n'),
    (r"// Ensure that the \*_component_type\.o object is linked in\n.*", ""),
    (r"__attribute__\(\(__weak__.*?\n}\n", "void *cabi_realloc(void *block, size_t old_size, size_t align, size_t new_size);\n"),
]


def leb(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def component_type(module):
    """The name and bytes of the custom section that says what the component imports and exports."""
    at = 8
    while at < len(module):
        kind = module[at]
        size, at = leb(module, at + 1)
        end = at + size
        if kind == 0:
            length, start = leb(module, at)
            name = module[start:start + length].decode()
            if name.startswith("component-type:"):
                return name, module[start + length:end]
        at = end
    sys.exit("there is no component type in the object")


def head(what):
    wit = hashlib.sha256(WIT.read_bytes()).hexdigest()
    return (f"// {what}, as generate.py has it from wit-bindgen. DO NOT EDIT!\n"
            f"// Made of wit/actor/actor.wit, SHA-256 {wit}\n")


def main():
    folder = Path(sys.argv[1])
    for name in ("whole_web_actor.c", "whole_web_actor.h"):
        text = (folder / name).read_text()
        for old, new in REPLACED:
            text = re.sub(old, new, text, flags=re.DOTALL)
        text = "".join(line.rstrip() + "\n" for line in text.splitlines())
        (BINDINGS / name).write_text(head("The world") + text.replace("\t", "  "))
    name, data = component_type((folder / "whole_web_actor_component_type.o").read_bytes())
    lines = [head("The type of the component: a section that a linker keeps and an encoder reads")]
    lines.append(f'__asm__(".section \\".custom_section.{name}\\",\\"\\",@\\n"\n')
    for at in range(0, len(data), PER_LINE):
        values = ",".join(str(byte) for byte in data[at:at + PER_LINE])
        lines.append(f'        ".byte {values}\\n"\n')
    lines.append('        ".text\\n");\n')
    (BINDINGS / "component_type.h").write_text("".join(lines))


main()
