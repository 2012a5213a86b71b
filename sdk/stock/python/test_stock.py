"""Stock in Python comes to the states, replies, effects and reasons that every language comes to."""

import json
import unittest
from pathlib import Path

from troupe_actor import Actor, Did, EffectId, Http, Notice, Parent, Reply, Timer
from troupe_actor.testing import Failed, Harness, Refused

from stock import Stock

START = 1_700_000_000_000
STEP = 1000
FOLDER = Path(__file__).parent.parent
ONE = EffectId(1, 0)
#: The senders take turns, one of each kind.
SENDERS = [
    Http(),
    Did("did:key:z6Mk"),
    Actor("c", "e", 1),
    Timer(ONE, START),
    Reply(ONE, "c", "e"),
    Notice(ONE, "no-reply", "c", None),
    Parent("c", "e", 1),
]


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def outcome(harness, message, number):
    """A line of `expected.ndjson` for what came of a message."""
    try:
        found = harness.send(message, sender=SENDERS[number % len(SENDERS)], at=START + STEP * number)
    except Refused as refused:
        return compact({"refused": str(refused)})
    except Failed as failed:
        return compact({"failed": str(failed)})
    effects = compact([{kind: members} for kind, members in found.effects])
    return f'{{"state":{harness.state_text},"reply":{found.reply_text},"effects":{effects}}}'


@unittest.skipUnless((FOLDER / "expected.ndjson").exists(), "there is no run to compare with")
class Run(unittest.TestCase):
    def test_stock_takes_the_run_as_expected(self):
        first, *expected = (FOLDER / "expected.ndjson").read_text().splitlines()
        config = json.loads(first)["config"]
        harness = Harness(Stock, config=config)
        self.assertEqual(f'{{"config":{compact(config)},"state":{harness.state_text}}}', first)
        messages = (FOLDER / "messages.ndjson").read_bytes().splitlines()
        for number, (message, line) in enumerate(zip(messages, expected, strict=True)):
            self.assertEqual(outcome(harness, message, number), line, f"{number + 1}: {message.decode()}")


if __name__ == "__main__":
    unittest.main()
