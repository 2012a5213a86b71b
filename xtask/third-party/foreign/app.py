"""An actor that uses Python's library as any program does: clocks, randomness, the environment, files, and print.

Its state is how many paths it read, its reply what it saw.
"""

import json
import os
import random
import sys
import time
import uuid

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import types


def _read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        return error.strerror


class Handler(exports.Handler):
    def init(self, ctx, config):
        return b"0"

    def message_contract(self, ctx, message, state):
        if "read" not in json.loads(message):
            raise Err('expected {"read":PATH}')

    def handle(self, ctx, message, state):
        began = time.monotonic()
        time.sleep(1.5)
        seen = {
            "read": _read(json.loads(message)["read"]),
            "slept": round(time.monotonic() - began, 3),
            "late": round(time.time() - ctx.at / 1000, 3),
            "home": os.environ.get("HOME"),
            "args": sys.argv,
            "random": [random.random(), os.urandom(4).hex(), str(uuid.uuid4())],
        }
        print("looked at", time.strftime("%Y"))
        return types.Outcome(str(int(state) + 1).encode(), json.dumps(seen).encode())

    def state_contract(self, state):
        int(state)
