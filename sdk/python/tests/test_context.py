"""What an actor's methods know and may ask for."""

import datetime
import random
import time
import unittest
from collections.abc import Callable
from typing import Any

from troupe_actor import (
    Actor,
    Context,
    Did,
    EffectId,
    Http,
    Notice,
    Parent,
    Refused,
    Reply,
    Response,
    Supervision,
    Timer,
    actor,
)
from troupe_actor.testing import Failed, Harness, Result


def once(task: Callable[[Context], Any], *, web: Any = None, **options: Any) -> Result:
    """What comes of an actor that does this with a message."""

    @actor
    class Doing:
        def handle(self, message: Any, ctx: Context) -> Any:
            return task(ctx)

    return Harness(Doing, web=web).send({}, **options)


class Effects(unittest.TestCase):
    def test_effects_are_collected_in_order_and_have_ids(self):
        ids = []

        def task(ctx: Context) -> None:
            ctx.send("desk", {"a": 1})
            ids.append(ctx.request("desk", "b", 1000))
            ids.append(ctx.set_timer(5, None))
            ids.append(ctx.set_cron("0 * * * *", {}))
            ctx.cancel(ids[1])
            ids.append(ctx.spawn(name="kid", config={"x": 1}, supervision=Supervision("restart", 3)))
            ctx.stop("kid")
            ctx.exit("done")

        effects = once(task).effects
        self.assertEqual(ids, [EffectId(2, n) for n in (1, 2, 3, 5)])
        rules = Supervision(on_failure="restart", failures=3)
        child = {"component": None, "config": {"x": 1}, "name": "kid", "grants": [], "supervision": rules}
        self.assertEqual(
            effects,
            [
                ("send", {"to": "desk", "message": {"a": 1}}),
                ("request", {"to": "desk", "message": "b", "timeout": 1000}),
                ("timer", {"after": 5, "message": None}),
                ("cron", {"cron": "0 * * * *", "message": {}}),
                ("cancel", {"timer": EffectId(2, 2)}),
                ("spawn", child),
                ("stop", {"child": "kid"}),
                ("exit", {"reason": "done"}),
            ],
        )

    def test_what_the_runtime_would_trap_on_raises_in_the_authors_code(self):
        wrong: list[tuple[Callable[[Context], Any], str]] = [
            (lambda ctx: ctx.send("", {}), "name of an actor is 1 to 256 printable ASCII characters, not ''"),
            (lambda ctx: ctx.send("ü", {}), "not 'ü'"),
            (lambda ctx: ctx.send("a" * 257, {}), "1 to 256"),
            (lambda ctx: ctx.set_timer(-1, {}), "after is -1; it is a whole number of milliseconds"),
            (lambda ctx: ctx.set_timer(1.5, {}), "after is 1.5"),
            (lambda ctx: ctx.request("a", {}, 2**53), "timeout is 9007199254740992"),
            (lambda ctx: ctx.send("a", {"n": object}), "message.n: a value of type type is not JSON"),
        ]
        for task, reason in wrong:
            with self.subTest(reason), self.assertRaisesRegex(Failed, reason):
                once(task)

    def test_effects_are_not_possible_in_accept(self):
        @actor
        class Early:
            def accept(self, message: Any, ctx: Context) -> None:
                ctx.send("a", message)

            def handle(self, message: Any) -> None: ...

        # Without messages of its own, an actor says in `accept` what it takes.
        with self.assertRaisesRegex(Refused, "^send is possible in init"):
            Harness(Early).send({})

    def test_a_context_says_who_sent_the_message_when_and_where_it_stands(self):
        one = EffectId(2, 0)
        senders = [
            Http(),
            Did("did:key:z6"),
            Actor("c", "e", 1),
            Timer(one, 5),
            Reply(one, "c", "e"),
            Notice(one, "no-reply", None, None),
            Parent("c", "e", 1),
        ]
        kinds = []
        for sender in senders:
            seen = []
            at = 1_800_000_000_000
            result = once(lambda ctx, seen=seen: seen.append((ctx.sender, ctx.at, ctx.seq)), sender=sender, at=at)
            self.assertEqual((seen, result.effects), ([(sender, at, 2)], []))
            kinds.append(sender.kind)
        self.assertEqual(kinds, ["http", "did", "actor", "timer", "reply", "notice", "parent"])

    def test_the_web_answers_or_raises(self):
        def web(method: str, url: str, headers: list[tuple[str, str]], body: bytes | None) -> Response:
            if "b.example" in url:
                raise OSError("not granted")
            self.assertEqual((method, headers), ("POST", [("accept", "text/plain")]))
            return Response(201, [("Content-Type", "application/json")], body or b"")

        def task(ctx: Context) -> Any:
            found = ctx.fetch("http://a.example/", method="POST", headers={"accept": "text/plain"}, body='{"a":1}')
            return [found.status, found.ok, found.header("content-type"), found.header("x"), found.json()]

        self.assertEqual(once(task, web=web).reply, [201, True, "application/json", None, {"a": 1}])
        with self.assertRaisesRegex(Failed, "^not granted$"):
            once(lambda ctx: ctx.fetch("http://b.example/"), web=web)


class Ambient(unittest.TestCase):
    def test_the_clock_is_the_entrys_time(self):
        at = 1_700_000_000_500

        def task(ctx: Context) -> Any:
            now = datetime.datetime.now(datetime.timezone.utc)
            return [time.time(), time.monotonic_ns(), now.isoformat(), isinstance(now, datetime.datetime)]

        reply = once(task, at=at).reply
        self.assertEqual(reply, [at / 1000, at * 1_000_000, "2023-11-14T22:13:20.500000+00:00", True])

    def test_there_is_no_chance_and_no_waiting(self):
        for task in (lambda ctx: random.random(), lambda ctx: random.choice([1]), lambda ctx: random.SystemRandom().random()):
            with self.assertRaisesRegex(Failed, "^there are no random numbers here"):
                once(task)
        self.assertIsInstance(once(lambda ctx: random.Random(7).random()).reply, float)
        with self.assertRaisesRegex(Failed, "^an actor does not wait"):
            once(lambda ctx: time.sleep(1))

    def test_there_are_no_files(self):
        with self.assertRaisesRegex(Failed, "^there are no files here"):
            once(lambda ctx: open(__file__))
        with open(__file__) as file:
            self.assertTrue(file.readable())

    def test_there_is_no_time_in_a_state_contract(self):
        @actor
        class Late:
            def handle(self, message: Any) -> None: ...

            def check(self) -> None:
                time.time()

        with self.assertRaisesRegex(Refused, "^there is no time here"):
            Harness(Late)

    def test_the_hosts_own_clock_is_as_it_was_afterwards(self):
        once(lambda ctx: time.time())
        self.assertGreater(time.time(), 1_700_000_000)
        self.assertLess(random.random(), 1)

    def test_log_and_print_write_lines(self):
        def task(ctx: Context) -> None:
            ctx.log.debug("a", 1)
            print("b", 2)
            print("c", end="")

        self.assertEqual(once(task).log, [("debug", "a 1"), ("info", "b 2"), ("info", "c")])
