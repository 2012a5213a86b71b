"""What an author defines, and what a message then leads to."""

import unittest
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from troupe_actor import Context, Length, Matches, Notice, Range, Refused, Reply, actor, message
from troupe_actor.context import EffectId
from troupe_actor.testing import Failed, Harness


@dataclass
class Config:
    count: int = 0


@actor
class Counter:
    count: int = 0

    @classmethod
    def init(cls, config: Config | None) -> "Counter":
        return cls(config.count if config else 0)

    @message
    def inc(self) -> None:
        self.count += 1

    @message
    def add(self, n: Annotated[int, Range(1)], /) -> int:
        self.count += n
        return self.count

    @add.accept
    def _fits(self, n: int, /) -> None:
        if self.count + n > 100:
            raise Refused(f"only {100 - self.count} left")

    @message
    def twice(self, n: int, ctx: Context, by: int = 2) -> int:
        ctx.log.info("twice", n)
        return self.add(n * by)


@actor
class Handling:
    """Does with a message what a test asks for."""

    value: Any = None

    def handle(self, message: Any, ctx: Context) -> Any:
        return HANDLERS[message](self, ctx)


HANDLERS: dict[str, Any] = {}


def _raising(error: Exception) -> Any:
    def handle(state: Handling, ctx: Context) -> None:
        state.value = "broken"
        raise error

    return handle


class Messages(unittest.TestCase):
    def test_a_message_changes_the_state_and_what_it_returns_is_the_reply(self):
        harness = Harness(Counter, config={"count": 2})
        self.assertIsNone(harness.send({"inc": {}}).reply)
        self.assertEqual(harness.send({"add": 4}).reply, 7)
        self.assertEqual(harness.send({"twice": {"n": 1}}).reply, 9)
        self.assertEqual(harness.send({"twice": {"n": 1, "by": 1}}).reply, 10)
        self.assertEqual(harness.state_text, '{"count":10}')

    def test_a_message_that_does_not_fit_its_types_is_refused_with_the_path(self):
        harness = Harness(Counter)
        wrong = [
            ({"add": 0}, "add: is less than 1"),
            ({"add": True}, "add: is not an integer"),
            ({"add": 1.0}, "add: is not an integer"),
            ({"twice": {}}, "twice.n: is missing"),
            ({"twice": 1}, "twice: is not an object"),
            ({"twice": {"n": 1, "m": 2}}, "twice.m: is not known here"),
            ({"inc": 1}, "inc: is not an object"),
            ({"init": {}}, 'there is no message "init"; there are inc, add, twice'),
            ({}, "a message is an object with one key, its name"),
            ([], "a message is an object with one key, its name"),
        ]
        for given, reason in wrong:
            with self.subTest(given), self.assertRaises(Refused) as caught:
                harness.send(given)
            self.assertEqual(str(caught.exception), reason)
        for given in (b"{", b'"\xff"', b"NaN", b'{"add":Infinity}'):
            with self.subTest(given), self.assertRaisesRegex(Refused, "^the message is not JSON: "):
                harness.send(given)

    def test_accept_refuses_with_its_reason_and_the_message_takes_no_position(self):
        harness = Harness(Counter, config={"count": 99})
        with self.assertRaisesRegex(Refused, "^only 1 left$"):
            harness.send({"add": 2})
        self.assertEqual(harness.seq, 2)

    def test_an_error_while_a_message_is_handled_is_a_failure_that_leaves_the_state(self):
        HANDLERS["fail"] = _raising(ValueError("too far"))
        harness = Harness(Handling)
        with self.assertRaisesRegex(Failed, "^too far$"):
            harness.send("fail")
        self.assertEqual((harness.state, harness.seq), ({"value": None}, 3))
        ((level, line),) = harness.log
        self.assertRegex(f"{level} {line}", r"^error ValueError: too far at test_actor\.py:\d+$")

    def test_an_error_that_says_too_little_is_told_with_its_kind(self):
        for error, reason in ((KeyError("member"), "^KeyError: 'member'$"), (ValueError(), "^ValueError$")):
            HANDLERS["fail"] = _raising(error)
            with self.assertRaisesRegex(Failed, reason):
                Harness(Handling).send("fail")

    def test_a_refusal_while_a_message_is_handled_is_a_failure_that_is_not_logged(self):
        HANDLERS["fail"] = _raising(Refused("as asked"))
        harness = Harness(Handling)
        with self.assertRaisesRegex(Failed, "^as asked$"):
            harness.send("fail")
        self.assertEqual(harness.log, [])

    def test_replies_and_notices_have_methods_of_their_own_where_the_actor_has_them(self):
        @actor
        class Asking:
            @message
            def inc(self) -> str:
                return "inc"

            def on_reply(self, reply: int) -> list[Any]:
                return ["reply", reply]

            def on_notice(self, notice: Any, ctx: Context) -> str:
                return ctx.sender.about

        harness, to = Harness(Asking), EffectId(2, 0)
        self.assertEqual(harness.send(7, sender=Reply(to, "c", "e")).reply, ["reply", 7])
        with self.assertRaisesRegex(Refused, "^reply: is not an integer$"):
            harness.send("7", sender=Reply(to, "c", "e"))
        self.assertEqual(harness.send({}, sender=Notice(to, "late", None, None)).reply, "late")
        self.assertEqual(Harness(Counter).send({"add": 1}, sender=Reply(to, "c", "e")).reply, 1)


class States(unittest.TestCase):
    def test_a_configuration_that_does_not_fit_makes_init_refuse(self):
        with self.assertRaisesRegex(Refused, "^config.count: is not an integer$"):
            Harness(Counter, config={"count": "1"})

        @actor(reasons={"config": lambda found: f"no: {found}"})
        class Without:
            def handle(self, message: Any) -> None: ...

        with self.assertRaisesRegex(Refused, "^no: config: is not null$"):
            Harness(Without, config={})

    def test_a_state_is_held_to_its_types_and_to_check(self):
        @dataclass
        class Inner:
            at: Literal["a", "b"] = "a"

        @actor
        class Between:
            low: int = 0
            high: Annotated[int, Range(most=9)] = 5
            inner: list[Inner] = field(default_factory=list)

            def handle(self, message: dict[str, Any]) -> None:
                for name, value in message.items():
                    setattr(self, name, value)

            def check(self) -> None:
                if self.low > self.high:
                    raise Refused("low is above high")

        harness = Harness(Between)
        wrong = [
            ({"low": 6}, "low is above high"),
            ({"high": 10}, "state.high: is more than 9"),
            ({"low": 1.5}, "state.low: is not an integer"),
            ({"inner": [{"at": "a"}, {"at": "c"}]}, "state.inner[1].at: is not one of 'a', 'b'"),
            ({"inner": [{}]}, "state.inner[0].at: is missing"),
        ]
        for change, reason in wrong:
            with self.subTest(change), self.assertRaises(Failed) as caught:
                harness.send(change)
            self.assertEqual(str(caught.exception), reason)
        harness.send({"inner": [{"at": "b"}]})
        self.assertEqual(harness.state_text, '{"low":0,"high":5,"inner":[{"at":"b"}]}')
        with self.assertRaisesRegex(Refused, "^state.low: is missing$"):
            harness.check({"high": 1, "inner": []})

    def test_a_state_that_is_not_json_is_a_failure_that_names_the_place(self):
        wrong = [
            (float("nan"), "state.value.a[1]: nan is not JSON"),
            ({1, 2}, "state.value.a[1]: a value of type set is not JSON"),
            ({1: 2}, "state.value.a[1]: 1, of type int, is not a name in JSON"),
        ]
        for value, reason in wrong:
            HANDLERS["set"] = lambda state, ctx, value=value: setattr(state, "value", {"a": [0, value]})
            with self.subTest(reason), self.assertRaises(Failed) as caught:
                Harness(Handling).send("set")
            self.assertEqual(str(caught.exception), reason)

    def test_text_is_written_as_it_is_and_half_a_pair_as_an_escape(self):
        HANDLERS["set"] = lambda state, ctx: setattr(state, "value", "ü\n\ud800")
        harness = Harness(Handling)
        harness.send("set")
        self.assertEqual(harness.state_text, '{"value":"ü\\n\\ud800"}')

    def test_migrate_makes_a_state_of_what_other_code_came_to(self):
        @actor
        class Later:
            count: int = 0

            @classmethod
            def migrate(cls, state: Any) -> "Later":
                return cls(state["n"])

            def handle(self, message: Any) -> None: ...

        harness = Harness(Later)
        harness.migrate({"n": 7})
        self.assertEqual(harness.state, {"count": 7})
        with self.assertRaisesRegex(Refused, "^state.n: is not known here$"):
            Harness(Counter).migrate({"n": 7})


class Definitions(unittest.TestCase):
    def test_the_description_says_what_each_message_takes(self):
        def only(name: str, schema: dict[str, Any]) -> dict[str, Any]:
            return {"type": "object", "properties": {name: schema}, "required": [name], "additionalProperties": False}

        @actor
        class Short:
            names: list[Annotated[str, Matches("[a-z]+"), Length(1, 8)]] = field(default_factory=list)

            @message
            def add(self, n: float, b: bool = True) -> None: ...

        members = {"n": {"type": "number"}, "b": {"type": "boolean"}}
        item = {"type": "string", "pattern": "^(?:[a-z]+)$", "minLength": 1, "maxLength": 8}
        taken = {"type": "object", "properties": members, "required": ["n"], "additionalProperties": False}
        self.assertEqual(
            Harness(Short).schema,
            {
                "state": only("names", {"type": "array", "items": item}),
                "config": {"type": "null"},
                "message": {"oneOf": [only("add", taken)]},
            },
        )

    def test_a_definition_that_makes_no_sense_is_an_error_that_says_why(self):
        class Nothing: ...

        class Set:
            names: set[str] = field(default_factory=set)

            def handle(self, message: Any) -> None: ...

        class Waiting:
            @message
            async def add(self) -> None: ...

        class Both:
            @message
            def add(self, n: int, /, m: int) -> None: ...

        wrong = [
            (Nothing, "^Nothing has either methods with @message or a method `handle`$"),
            (Set, r"^Set.names: the type set\[str\] has no shape in JSON"),
            (Waiting, "^Waiting.add: an actor's methods are not async"),
            (Both, "^Both.add: a method that takes a message as it is takes nothing beside but `ctx`$"),
        ]
        for kind, reason in wrong:
            with self.subTest(kind.__name__), self.assertRaisesRegex(TypeError, reason):
                actor(kind)
        with self.assertRaisesRegex(TypeError, "is not an actor: it wants @actor"):
            Harness(Nothing)
