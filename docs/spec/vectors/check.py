#!/usr/bin/env python3
"""Checks the vectors without any of Troupe's code: names, parents, canonical form, CAR files and folders.

Needs Python 3.9 and the package `blake3`. It does not replay: for that, one needs the machine.
"""

import json
import sys
from pathlib import Path

from blake3 import blake3

HEADER = b"\x3a\xa2eroots\x81\xd8\x2aX\x25\x00\x01\x55\x1e\x20", b"gversion\x01"
BLOBS = {"component-hash", "config", "message", "state", "reply", "before", "in", "out"}
NO_BLOBS = {"from", "limits", "engine"}  # names of entries and keys, and free keys


def require(condition, what):
    if not condition:
        raise ValueError(what)


def name(data):
    return blake3(data).hexdigest()


def canonical(data):
    value = json.loads(data)
    written = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    require(written.encode() == data, "not canonical")
    return value


def hashes(value, key=""):
    """Every blob that an entry names."""
    if isinstance(value, dict):
        return {found for key, inner in value.items() if key not in NO_BLOBS for found in hashes(inner, key)}
    if isinstance(value, list):
        return {found for inner in value for found in hashes(inner, key)}
    return {value} if key in BLOBS else set()


def chain(entries, head):
    """Checks that entries link up to a head; returns the id and every blob they name."""
    parent, state, at, named = None, None, 0, set()
    for seq, data in enumerate(entries):
        entry = canonical(data)
        said = entry["data"]
        require(entry["parent"] == parent, f"seq {seq}: parent")
        require(said["seq"] == seq and said["v"] == 1 and said["at"] >= at, f"seq {seq}: seq, v or at")
        require(said.get("before", state) == state, f"seq {seq}: before")
        state, at, parent = said.get("state", state), said["at"], name(data)
        named |= hashes(said)
    require(parent == head, "the last entry is not the head")
    return name(entries[0]), named


def car(data):
    require(data[:18] == HEADER[0] and data[50:59] == HEADER[1], "header")
    head, at, entries, blobs = data[18:50].hex(), 59, [], set()
    while at < len(data):
        length, shift = 0, 0
        while True:
            length, shift, at = length | (data[at] & 127) << shift, shift + 7, at + 1
            if data[at - 1] < 128:
                break
        section, at = data[at : at + length], at + length
        require(len(section) == length and section[:4] == b"\x01\x55\x1e\x20", "section")
        content = section[36:]
        require(name(content) == section[4:36].hex(), "a section's bytes are not what its CID says")
        if content.startswith(b'{"data":'):
            entries.append(content)
        else:
            require(name(content) not in blobs, "repeated")
            blobs.add(name(content))
    return head, entries, blobs


def folder(path):
    said = canonical((path / "head.json").read_bytes()[:-1])
    entries = (path / "entries.ndjson").read_bytes().split(b"\n")
    require(entries.pop() == b"" and len(entries) == said["size"], "lines")
    blobs = {file.name for file in (path / "blobs").iterdir()}
    for blob in blobs:
        require(name((path / "blobs" / blob).read_bytes()) == blob, f"blob {blob}")
    return said["head"], entries, blobs


def main():
    root = Path(__file__).parent
    index = json.loads((root / "vectors.json").read_text())
    good = index["entries"]["good"]
    for vector in good:
        data = (root / vector["file"]).read_bytes()
        require(name(data) == vector["name"] and canonical(data)["data"]["kind"] == vector["kind"], vector)
    entries = [(root / vector["file"]).read_bytes() for vector in good if vector["chain"]]
    chain(entries, name(entries[-1]))
    for vector in index["bundles"]["good"]:
        path = root / vector["path"]
        head, entries, blobs = folder(path) if path.is_dir() else car(path.read_bytes())
        found, named = chain(entries, head)
        require((found, head, len(entries)) == (vector["chain"], vector["head"], vector["size"]), vector)
        require(blobs <= named and len(named - blobs) == vector["missing"], f"{path}: blobs")
    print(f"{len(good)} entries and {len(index['bundles']['good'])} bundles are what they say")


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        sys.exit(f"wrong: {error}")
