#!/usr/bin/env python3
"""Checks the vectors of commons.md without any of Troupe's code: maps, names, numbers and the way from a record to a state.

Needs Python 3.9 and the package `blake3`. Signatures are not checked: that is Ed25519 as everybody has it.
"""

import json
import sys
from pathlib import Path

from blake3 import blake3

HERE = Path(__file__).parent
DAY = 86_400_000
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
EMPTY = bytes(32)


def digest(data):
    return blake3(data).digest()


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def require(condition, what):
    if not condition:
        sys.exit(f"wrong: {what}")


def bit(path, depth):
    return path[depth // 8] >> (7 - depth % 8) & 1


def root(leaves, depth=0):
    """The root of a list of (path, hash of value)."""
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        return digest(b"\0" + leaves[0][0] + leaves[0][1])
    sides = [[leaf for leaf in leaves if bit(leaf[0], depth) == side] for side in (0, 1)]
    return digest(b"\1" + root(sides[0], depth + 1) + root(sides[1], depth + 1))


def lead(key, lowest, siblings):
    path = digest(key)
    for depth, sibling in zip(reversed(range(len(siblings))), siblings):
        pair = (lowest, sibling) if bit(path, depth) == 0 else (sibling, lowest)
        lowest = digest(b"\1" + pair[0] + pair[1])
    return lowest


def shown(key, found, siblings):
    """The root that a proof leads to."""
    path, siblings = digest(key), [bytes.fromhex(sibling) for sibling in siblings]
    if found == "nothing":
        return lead(key, EMPTY, siblings)
    if "path" in found:
        other = bytes.fromhex(found["path"])
        same = all(bit(other, depth) == bit(path, depth) for depth in range(len(siblings)))
        require(same and other != path, f"{key}: the other leaf is elsewhere")
        return lead(key, digest(b"\0" + other + bytes.fromhex(found["value"])), siblings)
    return lead(key, digest(b"\0" + path + digest(found["value"].encode())), siblings)


def maps(cases):
    for case in cases:
        leaves = [(digest(e["key"].encode()), digest(e["value"].encode())) for e in case["entries"]]
        require(root(leaves).hex() == case["root"], f"the root of {len(leaves)} leaves")
        for proof in case["proofs"]:
            made = shown(proof["key"].encode(), proof["found"], proof["siblings"])
            require(made.hex() == case["root"], f"the proof of {proof['key']}")


def base58(data):
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    return text


def signed(case):
    did = "did:key:z" + base58(b"\xed\x01" + bytes.fromhex(case["public"]))
    require(did == case["did"], "the DID")
    require(digest(b"troupe.member/v1\n" + did.encode()).hex() == case["member"], "the member's id")
    message = json.loads(case["message"])
    require(canonical(message).decode() == case["message"], "the message is canonical")
    require(canonical(message["command"]).decode() == case["command"], "the command in the message")
    require(digest(case["command"].encode()).hex() == case["name"], "the command's name")


def regenerated(now, since, until, segments):
    for (begin, rate, cap), end in zip(segments, [segment[0] for segment in segments[1:]] + [until]):
        for_ms = max(0, min(end, until) - max(begin, since))
        now = max(now, min(cap * DAY, now + rate * for_ms))
    return divmod(now, DAY)


def numbers(cases):
    start = 3 * DAY + 86_399_000
    for case in cases["regeneration"]:
        made = regenerated(start, 1_000, case["at"], [(0, 100, 1_000), (5_000_000, 7, 12)])
        require(made == (case["balance"], case["rest"]), case)
    for case in cases["decay"]:
        score = 1_000
        for _ in range(case["days"]):
            score -= -(-score // 64)
        require(score == case["score"], case)
    for case in cases["price"]:
        left = 1_000_000 - min(case["reputation"] * case["each"], 300_000)
        require(max(1, -(-case["cost"] * left // 1_000_000)) == case["price"], case)
    commitment = cases["commitment"]
    committed = {name: commitment[name] for name in ("executor", "job", "result", "salt")}
    require(digest(canonical(committed)).hex() == commitment["is"], "the commitment")
    compared = {name: commitment["result"][name] for name in ("fuel", "output")}
    require(digest(canonical(compared)).hex() == commitment["digest"], "the digest of a result")


def record(name):
    lines = (HERE / name).read_text().split("\n")
    require(lines[0] == "troupe.commons-proof/v1", f"{name}: the first line")
    key, found, end = lines[1].removeprefix("key ").encode(), lines[2], lines.index("")
    if found.startswith("value "):
        found = {"value": found.removeprefix("value ")}
    elif found.startswith("other "):
        found = dict(zip(("path", "value"), found.split(" ")[1:]))
    else:
        found = "nothing"
    state = canonical({"root": shown(key, found, lines[3:end]).hex(), "v": 1})
    entry = json.loads(lines[end + 3])
    require(digest(state).hex() == entry["data"]["state"], f"{name}: the entry's state")


def main():
    vectors = json.loads((HERE / "vectors.json").read_text())
    maps(vectors["maps"])
    signed(vectors["signed"])
    numbers(vectors["numbers"])
    record("balance.proof")
    record("absent.proof")
    print("the vectors of the commons are what they say")


if __name__ == "__main__":
    main()
