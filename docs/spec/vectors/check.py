#!/usr/bin/env python3
"""Checks the vectors without any of Troupe's code: canonical form, fields, names, links, CAR files and folders.

Every good one must pass, and every bad entry must be refused. Needs Python 3.9 and the package `blake3`. It does not
replay: for that, one needs the machine.
"""

import json
import re
import sys
from pathlib import Path

from blake3 import blake3

HEADER = b"\x3a\xa2eroots\x81\xd8\x2aX\x25\x00\x01\x55\x1e\x20", b"gversion\x01"
ENTRY = b'{"data":'
ERRORS = (Path(__file__).parent / "../chain.md").read_text().split("### Failure codes")[1].split("###")[0]
ERRORS = set(re.findall(r"^\| `([^`]+)`", ERRORS, re.M))
ABOUT = {"busy", "failed", "lapsed", "late", "no-reply", "out-of-time", "paused", "refused", "restarted", "started"}
ABOUT |= {"stopped", "unknown"}
POLICIES = {"go-on", "pause", "restart", "restore", "stop", "escalate"}


class Wrong(Exception):
    """A vector is not what it should be."""


def require(condition, what):
    if not condition:
        raise Wrong(what)


def hash_of(data):
    return blake3(data).hexdigest()


# Values: each checks one, and raises `Wrong`.


def integer(value):
    require(type(value) is int and 0 <= value < 2**53, f"{value!r} is no integer")


def name(value):
    require(isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value), f"{value!r} is no name")


def text(value):
    require(isinstance(value, str) and re.fullmatch("[ -~]{1,256}", value), f"{value!r} is no text")


def one_of(values):
    return lambda value: require(isinstance(value, str) and value in values, f"{value!r} is not of the list")


def array(check):
    def checked(value):
        require(isinstance(value, list) and value, f"{value!r} is no array, or an empty one")
        for item in value:
            check(item)

    return checked


def free(check):
    def checked(value):
        require(isinstance(value, dict) and value, f"{value!r} is no object, or an empty one")
        for key, item in value.items():
            text(key)
            check(item)

    return checked


def ascending(value):
    array(text)(value)
    require(all(a < b for a, b in zip(value, value[1:])), "`grants` does not ascend")


def fields(**members):
    """An object: a member whose name ends in `_` may be absent, and another `_` is a `-`."""
    checks = {key.rstrip("_").replace("_", "-"): check for key, check in members.items()}
    needed = {key.replace("_", "-") for key in members if not key.endswith("_")}

    def checked(value):
        require(isinstance(value, dict), f"{value!r} is no object")
        require(needed <= value.keys() <= checks.keys(), f"fields of {sorted(value)}")
        for key, item in value.items():
            checks[key](item)

    return checked


def by_kind(kinds):
    def checked(value):
        require(isinstance(value, dict) and value.get("kind") in kinds, f"unknown kind in {value!r}")
        kinds[value["kind"]]({key: item for key, item in value.items() if key != "kind"})

    return checked


def coded(check):
    def checked(value):
        check(value)
        require(("component-hash" in value) != ("machine" in value), "two kinds of code, or none")

    return checked


REFERENCE = fields(chain=name, entry=name, n=integer)
SENDER = by_kind(
    {
        "http": fields(key_=name),
        "did": fields(did=text, sig=text),
        "actor": REFERENCE,
        "parent": REFERENCE,
        "timer": fields(due=integer, n=integer, seq=integer),
        "reply": fields(chain=name, entry=name, n=integer, seq=integer),
        "notice": fields(about=one_of(ABOUT), chain_=name, entry_=name, n=integer, seq=integer),
    }
)
SUPERVISION = fields(
    backoff=integer,
    failures=integer,
    max_backoff=integer,
    max_restarts=integer,
    on_failure=one_of(POLICIES),
    within=integer,
)
EFFECTS = {
    "send": fields(message=name, to=text),
    "request": fields(message=name, timeout=integer, to=text),
    "timer": fields(after=integer, message=name),
    "cron": fields(cron=text, message=name),
    "cancel": fields(n=integer, seq=integer),
    "spawn": coded(
        fields(component_hash_=name, config_=name, grants_=ascending, machine_=text, name_=text, supervision=SUPERVISION)
    ),
    "stop": fields(child=text),
    "exit": fields(reason=text),
}


def effect(value):
    require(isinstance(value, dict) and len(value) == 1, f"{value!r} is no effect")
    for kind, inner in value.items():
        require(kind in EFFECTS, f"unknown effect {kind}")
        EFFECTS[kind](inner)


COMMON = {"v": lambda value: require(value == 1, "version"), "seq": integer, "at": integer}
CALLS = {"calls_": array(fields(**{"fn": text, "in": name, "out": name}))}
OUTCOME = {**CALLS, "effects_": array(effect), "fuel": integer, "state": name}
RULES = {"component_hash_": name, "machine_": text, "world": text, "limits": free(integer), "grants_": ascending}
DATA = by_kind(
    {
        "genesis": coded(
            fields(
                **COMMON,
                **RULES,
                config_=name,
                engine=free(text),
                fork_=fields(chain=name, entry=name, seq=integer, state=name),
                nonce=name,
                owner_=text,
                started_by_=REFERENCE,
            )
        ),
        "init": fields(**COMMON, **OUTCOME, seed_=name),
        "message": fields(**COMMON, **OUTCOME, message=name, before=name, reply_=name, seed_=name, **{"from": SENDER}),
        "failure": fields(
            **COMMON,
            **CALLS,
            message=name,
            before=name,
            error=one_of(ERRORS),
            fuel=integer,
            seed_=name,
            **{"from": SENDER},
        ),
        "upgrade": coded(fields(**COMMON, **RULES, **OUTCOME, before=name, **{"from": SENDER})),
        "engine": fields(**COMMON, engine=free(text)),
        "stop": fields(**COMMON, reason=text, **{"from": SENDER}),
    }
)


def canonical(data):
    try:
        value = json.loads(data)
    except ValueError as error:
        raise Wrong(f"no JSON: {error}") from error
    written = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    require(written.encode() == data, "not canonical")
    return value


def entry_of(data):
    """Reads an entry, and checks all that can be said of it by itself."""
    require(len(data) <= 8 << 20, "too long")
    entry = canonical(data)
    require(isinstance(entry, dict) and entry.keys() == {"data", "parent"}, "neither more nor less than two members")
    DATA(entry["data"])
    if entry["data"]["seq"] == 0:
        require(entry["parent"] is None, "a parent at seq 0")
    else:
        name(entry["parent"])
    return entry


def blobs(said):
    """The blobs that an entry names, in the order in which a bundle has them."""
    fork = said.get("fork", {})
    named = [said.get(key) for key in ("component-hash", "config")] + [fork.get("state")]
    kept = said["kind"] != "failure"
    named += [said.get("message"), said.get("state") if kept else None, said.get("reply")]
    named += [call[key] for call in said.get("calls", []) for key in ("in", "out")]
    for asked in said.get("effects", []):
        named += [inner.get(key) for inner in asked.values() for key in ("message", "config")]
    return [blob for blob in named if blob]


def needed(said):
    """Those of them that replay does not give back."""
    needed = [said.get(key) for key in ("component-hash", "config", "message")] + [said.get("fork", {}).get("state")]
    return {blob for blob in needed + [call["out"] for call in said.get("calls", [])] if blob}


class Tip:
    """The end of a chain: what the next entry is checked against."""

    def __init__(self, data):
        said = entry_of(data)["data"]
        require(said["kind"] == "genesis" and said["seq"] == 0, "a chain begins with genesis")
        self.name, self.seq, self.at = hash_of(data), 0, said["at"]
        self.state, self.engine, self.stopped = said.get("fork", {}).get("state"), said["engine"], False

    def follow(self, data):
        entry = entry_of(data)
        said = entry["data"]
        kind = said["kind"]
        require(entry["parent"] == self.name, "parent")
        require(said["seq"] == self.seq + 1, "seq")
        require(said["at"] >= self.at, "at")
        require(not self.stopped, "after a stop")
        require((kind == "init") == (said["seq"] == 1) and kind != "genesis", f"{kind} may not stand here")
        require(said.get("before", self.state) == self.state, "before")
        if kind == "init" and self.state:
            require(said["state"] == self.state and said["fuel"] == 0, "not the state that the fork begins with")
            require(not said.keys() & {"calls", "effects", "seed"}, "`init` of a fork does nothing")
        if kind == "engine":
            require(said["engine"] != self.engine, "the same engine")
            self.engine = said["engine"]
        self.name, self.seq, self.at = hash_of(data), said["seq"], said["at"]
        self.state, self.stopped = said.get("state", self.state), kind == "stop"


def chain(entries, head):
    """Checks that entries link up to a head; returns the id, every blob they name, and those that must be there."""
    tip = Tip(entries[0])
    for data in entries[1:]:
        tip.follow(data)
    require(tip.name == head, "the last entry is not the head")
    said = [json.loads(data)["data"] for data in entries]
    return hash_of(entries[0]), set().union(*map(blobs, said)), set().union(*map(needed, said))


def car(data):
    require(data[:18] == HEADER[0] and data[50:59] == HEADER[1], "header")
    head, at, entries, found, expected = data[18:50].hex(), 59, [], [], []
    while at < len(data):
        length, shift = 0, 0
        while True:
            length, shift, at = length | (data[at] & 127) << shift, shift + 7, at + 1
            if data[at - 1] < 128:
                break
        section, at = data[at : at + length], at + length
        require(len(section) == length and section[:4] == b"\x01\x55\x1e\x20", "section")
        content = section[36:]
        require(hash_of(content) == section[4:36].hex(), "a section's bytes are not what its CID says")
        if content.startswith(ENTRY):
            entries.append(content)
            expected += [blob for blob in dict.fromkeys(blobs(json.loads(content)["data"])) if blob not in expected]
        else:
            require(expected and hash_of(content) in expected, "a blob before the entry that names it")
            require(hash_of(content) not in found, "repeated")
            found.append(hash_of(content))
    require(found == [blob for blob in expected if blob in found], "order of blobs")
    return head, entries, set(found)


def folder(path):
    said = canonical((path / "head.json").read_bytes()[:-1])
    entries = (path / "entries.ndjson").read_bytes().split(b"\n")
    require(entries.pop() == b"" and len(entries) == said["size"], "lines")
    found = {file.name for file in (path / "blobs").iterdir()}
    for blob in found:
        require(hash_of((path / "blobs" / blob).read_bytes()) == blob, f"blob {blob}")
    return said["head"], entries, found


def refused(check, data):
    try:
        check(data)
    except Wrong:
        return True
    return False


def main():
    root = Path(__file__).parent
    index = json.loads((root / "vectors.json").read_text())
    good, bad = index["entries"]["good"], index["entries"]["bad"]
    tips, chains = {}, {}
    for vector in good:
        data = (root / vector["file"]).read_bytes()
        said = entry_of(data)["data"]
        require(hash_of(data) == vector["name"] and said["kind"] == vector["kind"], vector)
        if vector["chain"]:
            chains.setdefault(vector["chain"], []).append(data)
            tips[vector["name"]] = chains[vector["chain"]][:]
    for entries in chains.values():
        chain(entries, hash_of(entries[-1]))
    for vector in bad:
        data = (root / vector["file"]).read_bytes()
        require(refused(entry_of, data) == (vector["after"] is None), f"{vector}: by itself")
        if vector["after"]:
            before = Tip(tips[vector["after"]][0])
            for entry in tips[vector["after"]][1:]:
                before.follow(entry)
            require(refused(before.follow, data), f"{vector}: after that entry")
    for vector in index["bundles"]["good"]:
        path = root / vector["path"]
        head, entries, found = folder(path) if path.is_dir() else car(path.read_bytes())
        made, named, there = chain(entries, head)
        require((made, head, len(entries)) == (vector["chain"], vector["head"], vector["size"]), vector)
        require(there <= found <= named and len(named - found) == vector["missing"], f"{path}: blobs")
    bundles = len(index["bundles"]["good"])
    print(f"{len(good)} good and {len(bad)} bad entries and {bundles} good bundles are what they say")


if __name__ == "__main__":
    try:
        main()
    except Wrong as error:
        sys.exit(f"wrong: {error}")
