"""What Schemathesis cannot know of a node: what a finding is beside what the document says, and which actors, components
and bytes there are, so that most requests reach further than the first check."""

import itertools
import json
import os
import random
import urllib.request

import schemathesis

URL = os.environ["TROUPE_URL"]
with open(os.environ["TROUPE_COMPONENT"], "rb") as file:
    COMPONENT = file.read()

# What a request may come to although the node does what it should.
FINE = {"failed", "busy", "paused", "too-many-actors", "out-of-time"}

chance = random.Random(1)
numbers = itertools.count()
known = {}


def ask(method, path, body=None):
    request = urllib.request.Request(URL + path, data=body, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def component():
    if "component" not in known:
        known["component"] = ask("POST", "/components", COMPONENT)["component"]
    return known["component"]


def actor():
    """An actor that runs: another one where requests have ended the last."""
    if "actor" not in known or ask("GET", "/actors/" + known["actor"])["status"] != "running":
        begin = {"component": component(), "name": f"fuzzed-{next(numbers)}"}
        known["actor"] = ask("POST", "/actors", json.dumps(begin).encode())["actor"]
        for _ in range(3):
            ask("POST", "/actors/" + known["actor"], b'{"add":1}')
    return known["actor"]


def mostly():
    return chance.random() < 0.8


@schemathesis.hook
def before_call(context, case, kwargs):
    path = case.path_parameters or {}
    if "actor" in path and mostly():
        path["actor"] = actor()
    if "hash" in path and mostly():
        path["hash"] = component()
    body = case.body
    if isinstance(body, dict) and "component" in body and mostly():
        body["component"] = component()


@schemathesis.serializer("application/wasm")
def wasm(context, value):
    """A component, whole or with some bytes changed; or bytes that are none."""
    kind = chance.randrange(3)
    if kind == 0:
        return COMPONENT
    if kind == 1:
        changed = bytearray(COMPONENT)
        for _ in range(chance.randrange(1, 20)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        return bytes(changed[: chance.randrange(len(changed))])
    return str(value).encode()


@schemathesis.check
def no_failure_of_the_node(context, response, case):
    if response.status_code < 500:
        return
    code = response.json().get("code")
    assert code in FINE, f"the node answers with {response.status_code} `{code}`: {response.text}"
