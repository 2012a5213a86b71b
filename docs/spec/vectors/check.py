#!/usr/bin/env python3
"""Checks the vectors without any of Troupe's code: canonical form, fields, names, links, CAR files, folders, proofs and
fraud proofs.

Every good one must pass, and every bad entry must be refused. Needs Python 3.9 and the package `blake3`. It does not
replay more than the one step of a fraud proof: for that, one needs the machine.
"""

import base64
import hashlib
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
        "upgrade": coded(fields(**COMMON, **RULES, **OUTCOME, before=name, seed_=name, **{"from": SENDER})),
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
    named += files(said)
    named += [call[key] for call in said.get("calls", []) for key in ("in", "out")]
    for asked in said.get("effects", []):
        named += [inner.get(key) for inner in asked.values() for key in ("message", "config")]
    return [blob for blob in named if blob]


def files(said):
    """The files among grants."""
    granted = [re.fullmatch("file:([0-9a-f]{64}):.*", grant) for grant in said.get("grants", [])]
    return [file[1] for file in granted if file]


def needed(said):
    """Those of them that replay does not give back."""
    needed = [said.get(key) for key in ("component-hash", "config", "message")] + [said.get("fork", {}).get("state")]
    needed += files(said)
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


# Proofs: RFC 6962, C2SP signed-note, tlog-checkpoint, tlog-cosignature and tlog-proof, and Ed25519 of RFC 8032.

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    require(y < P, "no point")
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if (x * x - square) % P == 0 else x * ROOT % P
    require((x * x - square) % P == 0 and (x or not sign), "no point")
    return (P - x if x & 1 != sign else x), y


def add(one, other):
    product = D * one[0] * other[0] * one[1] * other[1] % P
    x = (one[0] * other[1] + other[0] * one[1]) * pow(1 + product, P - 2, P)
    y = (one[1] * other[1] + one[0] * other[0]) * pow(1 - product, P - 2, P)
    return x % P, y % P


def times(number, one):
    sum_, number = (0, 1), number
    while number:
        sum_ = add(sum_, one) if number & 1 else sum_
        one, number = add(one, one), number >> 1
    return sum_


BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed_by(key, message, signature):
    require(len(signature) == 64, "signature")
    scalar = int.from_bytes(signature[32:], "little")
    require(scalar < ORDER, "signature")
    digest = hashlib.sha512(signature[:32] + key + message).digest()
    challenge = int.from_bytes(digest, "little") % ORDER
    left, right = times(scalar, BASE), add(point(signature[:32]), times(challenge, point(key)))
    require(left == right, "signature")


def decoded(text, length=None):
    data = base64.b64decode(text, validate=True)
    require(base64.b64encode(data).decode() == text and length in (None, len(data)), "base64")
    return data


def key_of(text):
    name_, id_, key = text.split("+", 2)
    key = decoded(key, 33)
    require(hashlib.sha256(name_.encode() + b"\n" + key).digest()[:4].hex() == id_, "key id")
    return name_, id_, key[0], key[1:]


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def split(size):
    return 1 << (size - 1).bit_length() - 1


def root_of(leaves):
    """MTH, as RFC 6962 defines it."""
    return root_of_hashes([sha(b"\0", leaf) for leaf in leaves])


def root_of_hashes(hashes):
    if len(hashes) < 2:
        return hashes[0] if hashes else sha()
    left = split(len(hashes))
    return sha(b"\1", root_of_hashes(hashes[:left]), root_of_hashes(hashes[left:]))


def led_to(leaf, index, size, hashes):
    """The root that a proof of inclusion leads to, by the recursion that defines PATH."""
    require(index < size, "index")
    if size == 1:
        require(not hashes, "length")
        return leaf
    require(hashes, "length")
    left = split(size)
    if index < left:
        return sha(b"\1", led_to(leaf, index, left, hashes[:-1]), hashes[-1])
    return sha(b"\1", hashes[-1], led_to(leaf, index - left, size - left, hashes[:-1]))


def grown(old, new, hashes, root, whole=True):
    """The roots, older and newer, that a proof of consistency leads to, by the recursion that defines SUBPROOF."""
    if old == new:
        require(len(hashes) == (not whole), "length")
        return (root, root) if whole else (hashes[0], hashes[0])
    require(hashes, "length")
    left = split(new)
    if old <= left:
        older, newer = grown(old, left, hashes[:-1], root, whole)
        return older, sha(b"\1", newer, hashes[-1])
    older, newer = grown(old - left, new - left, hashes[:-1], root, False)
    return sha(b"\1", hashes[-1], older), sha(b"\1", hashes[-1], newer)


def tree(vector):
    leaves = [bytes.fromhex(leaf) for leaf in vector["leaves"]]
    roots = [decoded(root, 32) for root in vector["roots"]]
    require(roots == [root_of(leaves[:size]) for size in range(len(leaves) + 1)], "roots")
    for proof in vector["inclusion"]:
        hashes = [decoded(hash_, 32) for hash_ in proof["hashes"]]
        leaf = sha(b"\0", leaves[proof["index"]])
        require(led_to(leaf, proof["index"], proof["size"], hashes) == roots[proof["size"]], proof)
    for proof in vector["consistency"]:
        hashes = [decoded(hash_, 32) for hash_ in proof["hashes"]]
        made = grown(proof["from"], proof["to"], hashes, roots[proof["from"]])
        require(made == (roots[proof["from"]], roots[proof["to"]]), proof)


def log_proof(text, origin, leaf, node, witnesses):
    """Checks one tlog-proof, and returns the size and the root that it leads to, and how many witnesses cosigned."""
    head, body, signatures = text.split("\n\n")
    header, index, *hashes = head.split("\n")
    require(header == "c2sp.org/tlog-proof@v1" and re.fullmatch(r"index (0|[1-9][0-9]*)", index), "proof")
    said, size, root = body.split("\n")
    require(said == origin and re.fullmatch("0|[1-9][0-9]*", size), "checkpoint")
    index, size, root = int(index[6:]), int(size), decoded(root, 32)
    require(led_to(leaf, index, size, [decoded(hash_, 32) for hash_ in hashes]) == root, "root")
    text, valid = body.encode() + b"\n", set()
    require(signatures.endswith("\n"), "last line")
    for line in signatures[:-1].split("\n"):
        dash, name_, data = line.split(" ")
        data = decoded(data)
        require(dash == "\u2014" and len(data) > 4, "signature")
        for known in [node, *witnesses]:
            if (name_, data[:4].hex()) != known[:2]:
                continue
            signature, message = data[4:], text
            if known[2] == 4:
                time, signature = int.from_bytes(data[4:12], "big"), data[12:]
                message = b"cosignature/v1\ntime %d\n%s" % (time, text)
            signed_by(known[3], message, signature)
            valid.add(known)
    require(node in valid, "not signed by the node")
    return index, size, root, len(valid) - 1


def proof_file(data, trust):
    """Checks a proof file against the keys of a node and of witnesses."""
    try:
        node, witnesses = key_of(trust["node"]), [key_of(key) for key in trust["witnesses"]]
        header, key, entry, empty, rest = data.decode().split("\n", 4)
        require(header == "troupe.proof/v1" and key.startswith("key ") and empty == "", "head")
        key_of(key[4:])
        seq = entry_of(entry.encode())["data"]["seq"]
        middle = rest.index("\n\nc2sp.org/tlog-proof@v1\n")
        chain_, node_ = rest[: middle + 1], rest[middle + 2 :]
        origin = chain_.split("\n\n")[1].split("\n")[0]
        require(re.fullmatch("troupe\\.chain/[0-9a-f]{64}", origin), "origin")
        leaf = sha(b"\0", bytes.fromhex(hash_of(entry.encode())))
        index, size, root, _ = log_proof(chain_, origin, leaf, node, [])
        require(index == seq, "place")
        leaf = '{"chain":"%s","root":"%s","size":%d}' % (origin[-64:], root.hex(), size)
        *_, cosigned = log_proof(node_, node[0], sha(b"\0", leaf.encode()), node, witnesses)
        require(cosigned >= trust["quorum"], "witnesses")
    except (ValueError, IndexError) as error:
        raise Wrong(error) from error


def checkpoint_of(text, key):
    """Checks a checkpoint with the key's signature alone, and returns its origin, size and root."""
    body, signature = text.split("\n\n")
    origin, size, root = body.split("\n")
    require(re.fullmatch("0|[1-9][0-9]*", size) and signature.endswith("\n"), "checkpoint")
    dash, name_, data = signature[:-1].split(" ")
    data = decoded(data, 68)
    require((dash, name_, data[:4].hex()) == ("\u2014", key[0], key[1]), "signature")
    signed_by(key[3], body.encode() + b"\n", data[4:])
    return origin, int(size), decoded(root, 32)


def sections(data):
    """The sections of a fraud proof, in order."""
    while data:
        head, data = data.split(b"\n", 1)
        match = re.fullmatch(rb"([a-z]+) (0|[1-9][0-9]*)", head)
        require(match and len(data) > int(match[2]), "section")
        body, end, data = data[: int(match[2])], data[int(match[2])], data[int(match[2]) + 1 :]
        require(end == 10, "section")
        yield match[1].decode(), body


def fraud_proof(data):
    """Checks a fraud proof whose false step, if it is one, is an `add` of the machine `tally@1`."""
    try:
        header, key, lie, rest = data.split(b"\n", 3)
        require(header == b"troupe.fraud/v1" and key.startswith(b"key "), "head")
        key, parts = key_of(key[4:].decode()), list(sections(rest))
        require(key[2] == 1, "a log's key")
        names, bodies = [name_ for name_, _ in parts], [body for _, body in parts]
        if lie == b"lie roots":
            require(names == ["checkpoint", "checkpoint"], "sections")
            one, other = (checkpoint_of(body.decode(), key) for body in bodies)
            require(one[:2] == other[:2] and one[2] != other[2], "contradiction")
        elif lie == b"lie leaves":
            require(names == ["leaf", "proof"] * 2, "sections")
            leaves = [decoded(leaf.decode(), 32) for leaf in bodies[::2]]
            texts = [proof.decode() for proof in bodies[1::2]]
            origins = [checkpoint_of(text.split("\n\n", 1)[1], key)[0] for text in texts]
            places = [log_proof(text, origins[0], leaf, key, [])[0] for leaf, text in zip(leaves, texts)]
            require(len(set(origins)) == len(set(places)) == 1 and leaves[0] != leaves[1], "contradiction")
        else:
            require(lie == b"lie step", "kind")
            false_step(key, names, bodies)
    except (ValueError, IndexError, KeyError) as error:
        raise Wrong(error) from error


def false_step(key, names, bodies):
    count = names.count("entry")
    blobs = names[2 + count :]
    require(names[:2] == ["checkpoint", "consistency"] and names[2:] == ["entry"] * count + blobs, "sections")
    require(count > 2 and blobs == ["blob"] * 2, "sections")
    origin, size, root = checkpoint_of(bodies[0].decode(), key)
    entries = bodies[2 : 2 + count]
    leaves = [sha(b"\0", bytes.fromhex(hash_of(entry))) for entry in entries]
    tree_ = [decoded(hash_, 32) for hash_ in bodies[1].decode().split("\n")[:-1]]
    own = root_of_hashes(leaves)
    require(grown(count, size, tree_, own) == (own, root), "not what was signed")
    require(origin == "troupe.chain/" + hash_of(entries[0]), "chain")
    chain(entries, hash_of(entries[-1]))
    said = entry_of(entries[-1])["data"]
    found = {hash_of(blob): blob for blob in bodies[2 + count :]}
    require(said["kind"] == "message" and set(found) == {said["before"], said["message"]}, "blobs")
    verb, number = found[said["message"]].decode().split(" ")
    require(verb == "add", "this check runs nothing else")
    state = str((int(found[said["before"]]) + int(number)) % 2**64).encode()
    require(hash_of(state) != said["state"], "the step is true")


def fraud(root):
    index = json.loads((root / "fraud/fraud.json").read_text())
    for vector in index["good"] + index["bad"]:
        false = refused(fraud_proof, (root / "fraud" / vector["file"]).read_bytes())
        require(false == (vector in index["bad"]), vector)
    return len(index["good"]), len(index["bad"])


def proofs(root):
    index = json.loads((root / "proofs/proofs.json").read_text())
    for vector in index["trees"]:
        tree(vector)
    for vector in index["good"] + index["bad"]:
        data = (root / "proofs" / vector["file"]).read_bytes()
        false = refused(lambda data: proof_file(data, index["trust"]), data)
        require(false == (vector in index["bad"]), vector)
    return len(index["good"]), len(index["bad"])


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
    good_proofs, bad_proofs = proofs(root)
    print(f"{len(good)} good and {len(bad)} bad entries and {bundles} good bundles are what they say")
    print(f"{good_proofs} good and {bad_proofs} bad proofs are what they say")
    good_frauds, bad_frauds = fraud(root)
    print(f"{good_frauds} good and {bad_frauds} bad fraud proofs are what they say")


if __name__ == "__main__":
    try:
        main()
    except Wrong as error:
        sys.exit(f"wrong: {error}")
