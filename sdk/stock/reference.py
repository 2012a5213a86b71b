#!/usr/bin/env python3
"""What stock does, once more and apart from every SDK: writes `messages.ndjson` and `expected.ndjson` anew.

usage: reference.py            writes both files
       reference.py --check    says whether they are what it would write

Line 1 of `expected.ndjson` is about the first state, line N + 1 about line N of `messages.ndjson`. Standard library only.
"""
import json
import re
import sys
from pathlib import Path

MOST = 1_000_000
MAX_AFTER = 86_400_000
ITEM = re.compile(r"[a-z0-9-]{1,32}\Z")
KINDS = ["http", "did", "actor", "timer", "reply", "notice", "parent"]

# The run: how it begins, and what each message comes with.
CONFIG = {"alert": "desk", "low": 1000}
MESSAGES = 500
SEED = 2026
FIRST_SEQ = 2
START = 1_700_000_000_000
STEP = 1000


class Chance:
    """Numbers that look random and are the same everywhere."""

    def __init__(self, seed):
        self.state = seed

    def below(self, most):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % most

    def choice(self, of):
        return of[self.below(len(of))]


class Refused(Exception):
    pass


class Failed(Exception):
    pass


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def whole(value, least, most):
    return type(value) is int and least <= value <= most


def first(config):
    return {"alert": config.get("alert"), "items": {}, "low": config.get("low", 0), "seen": 0}


def understood(message):
    """The key of a message and what it holds, or a refusal."""
    no = Refused("not a message of stock")
    if type(message) is not dict or len(message) != 1:
        raise no
    [(key, value)] = message.items()
    if type(value) is not dict:
        raise no
    if key in ("add", "take"):
        fits = sorted(value) == ["item", "n"] and type(value["item"]) is str
        fits = fits and ITEM.match(value["item"]) and whole(value["n"], 1, MOST)
    elif key == "remind":
        fits = list(value) == ["after"] and whole(value["after"], 1, MAX_AFTER)
    else:
        fits = key in ("total", "who", "fail") and not value
    if not fits:
        raise no
    return key, value


def take(state, message, at, kind, seq):
    """The next state, the reply and the effects."""
    key, value = understood(message)
    items, reply, effects = dict(state["items"]), None, []
    if key in ("add", "take"):
        item, n = value["item"], value["n"]
        count = items.get(item, 0)
        if key == "add" and count + n > MOST:
            raise Refused(f"no room for {n} of {item}")
        if key == "take" and n > count:
            raise Refused(f"only {count} of {item}")
        count += n if key == "add" else -n
        items[item] = count
        if count == 0:
            del items[item]
        reply = {"item": item, "n": count}
        if key == "take" and count < state["low"] and state["alert"] is not None:
            effects.append({"send": {"to": state["alert"], "message": {"item": item, "low": count}}})
    elif key == "total":
        reply = {"items": len(items), "total": sum(items.values())}
    elif key == "remind":
        effects.append({"timer": {"after": value["after"], "message": {"total": {}}}})
        reply = {"timer": {"seq": seq, "n": 0}}
    elif key == "who":
        reply = {"at": at, "from": kind, "seq": seq}
    else:
        raise Failed("asked to fail")
    state = {**state, "items": dict(sorted(items.items())), "seen": state["seen"] + 1}
    return state, reply, effects


# What must be refused, each once.
WRONG = [
    {}, [], None, 7, "total", ["total"], {"total": []}, {"total": None}, {"total": {"x": 1}}, {"total": {}, "who": {}},
    {"Total": {}}, {"": {}}, {"reset": {}}, {"who": "me"}, {"fail": {"why": "no"}}, {"add": {}}, {"add": ["nut", 1]},
    {"add": {"item": "nut"}}, {"add": {"n": 1}}, {"add": {"item": "nut", "n": 0}}, {"add": {"item": "nut", "n": -1}},
    {"add": {"item": "nut", "n": 1_000_001}}, {"add": {"item": "nut", "n": 1.5}}, {"add": {"item": "nut", "n": "1"}},
    {"add": {"item": "nut", "n": None}}, {"add": {"item": "nut", "n": True}}, {"add": {"item": "nut", "n": 2 ** 53}},
    {"add": {"item": "nut", "n": 2 ** 64 + 1}}, {"add": {"item": "nut", "n": 1, "x": 1}}, {"add": {"item": "", "n": 1}},
    {"add": {"item": "Nut", "n": 1}}, {"add": {"item": "a b", "n": 1}}, {"add": {"item": "a" * 33, "n": 1}},
    {"add": {"item": "nüt", "n": 1}}, {"add": {"item": "nut\n", "n": 1}}, {"add": {"item": 7, "n": 1}},
    {"add": {"item": None, "n": 1}}, {"take": {"item": "__proto__", "n": 1}}, {"take": {"item": "nut", "n": [1]}},
    {"remind": {}}, {"remind": {"after": 0}}, {"remind": {"after": -5}}, {"remind": {"after": 86_400_001}},
    {"remind": {"after": 0.5}}, {"remind": {"after": "1"}}, {"remind": {"after": 1, "n": 1}}, {"remind": [1]},
]
# What must not be, though it is at an edge.
EDGES = [
    {"add": {"item": "a" * 32, "n": 1}}, {"take": {"n": 1, "item": "a" * 32}}, {"add": {"item": "-", "n": 1}},
    {"add": {"item": "0", "n": MOST}}, {"add": {"item": "0", "n": 1}}, {"take": {"item": "0", "n": MOST}},
    {"take": {"item": "0", "n": 1}}, {"add": {"item": "constructor", "n": 12}}, {"take": {"item": "constructor", "n": 12}},
    {"remind": {"after": 1}}, {"remind": {"after": MAX_AFTER}}, {"take": {"item": "to-string", "n": 1}},
]
NAMES = ["apple", "bread", "cheese", "nut", "oil-1l", "rice", "tea", "10", "9", "b", "a-b", "ab"]


def messages():
    """The run: what is usual, at random but always the same, with the rest strewn in."""
    chance, wrong = Chance(SEED), list(WRONG)
    # These build on each other, and so come first and in order.
    yield from EDGES
    for left in range(MESSAGES - len(EDGES), 0, -1):
        if chance.below(left) < len(wrong):
            yield wrong.pop(0)
            continue
        item, kind = chance.choice(NAMES), chance.below(100)
        if kind < 35:
            yield {"add": {"item": item, "n": chance.choice([1, 5, 20, 500, 400_000, 1 + chance.below(MOST)])}}
        elif kind < 80:
            yield {"take": {"item": item, "n": chance.choice([1, 4, 18, 499, 400_000, 1 + chance.below(MOST)])}}
        elif kind < 85:
            yield {"total": {}}
        elif kind < 90:
            yield {"remind": {"after": 1 + chance.below(MAX_AFTER)}}
        elif kind < 97:
            yield {"who": {}}
        else:
            yield {"fail": {}}


def run():
    """Both files as text."""
    told = list(messages())
    state, seq = first(CONFIG), FIRST_SEQ
    expected = [{"config": CONFIG, "state": state}]
    for number, message in enumerate(told):
        at, kind = START + STEP * number, KINDS[number % len(KINDS)]
        try:
            state, reply, effects = take(state, message, at, kind, seq)
            expected.append({"state": state, "reply": reply, "effects": effects})
            seq += 1
        except Refused as reason:
            expected.append({"refused": str(reason)})
        except Failed as reason:
            expected.append({"failed": str(reason)})
            seq += 1
    return {name: "".join(compact(line) + "\n" for line in lines)
            for name, lines in [("messages.ndjson", told), ("expected.ndjson", expected)]}


def main():
    folder, stale = Path(__file__).parent, []
    for name, text in run().items():
        path = folder / name
        if "--check" not in sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
    if stale:
        sys.exit(f"not what reference.py writes: {', '.join(stale)}")


main()
