"""What an author's code finds in Python that would not be the same when the chain is replayed.

The clock is the entry's time, `print` writes to the actor's log, and random numbers and files say what to use in their place.
"""

import builtins
import contextlib
import datetime
import io
import logging  # It looks at the clock as it is imported: in time.
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

_NO_TIME = "there is no time here: it is known in init, accept, while a message is handled, and in migrate"
_NO_RANDOM = (
    "there are no random numbers here: a replay must come to the same. Take what the sender gives, or ctx.at and ctx.seq"
)
_NO_FILES = "there are no files here: what an actor knows is in its configuration, its messages and its state"
_NO_SLEEP = "an actor does not wait: set a timer"
_CHANCES = (
    "betavariate choice choices expovariate gammavariate gauss getrandbits lognormvariate normalvariate paretovariate "
    "randbytes randint random randrange sample seed shuffle triangular uniform vonmisesvariate weibullvariate _urandom"
).split()

_at: int | None = None


def _now() -> int:
    if _at is None:
        raise RuntimeError(_NO_TIME)
    return _at


def _seconds() -> float:
    return _now() / 1000


def _nanoseconds() -> int:
    return _now() * 1_000_000


def _chance(*_: Any, **__: Any) -> Any:
    raise RuntimeError(_NO_RANDOM)


def _sleep(_: float) -> None:
    raise RuntimeError(_NO_SLEEP)


def _open(*_: Any, **__: Any) -> Any:
    raise RuntimeError(_NO_FILES)


class _Date(datetime.date):
    @classmethod
    def today(cls) -> "_Date":
        return cls.fromtimestamp(_seconds())


class _Datetime(datetime.datetime):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> "_Datetime":
        return cls.fromtimestamp(_seconds(), tz)

    @classmethod
    def today(cls) -> "_Datetime":
        return cls.now()

    @classmethod
    def utcnow(cls) -> "_Datetime":
        return cls.now(datetime.timezone.utc).replace(tzinfo=None)


class _Lines(io.TextIOBase):
    """A stream whose lines go to the actor's log."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._rest = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._write(line)
        return len(text)

    def end(self) -> None:
        if self._rest:
            self._write(self._rest)
        self._rest = ""


def _replacements() -> list[tuple[Any, str, Any]]:
    clocks = [(time, name, _seconds) for name in ("time", "monotonic", "perf_counter", "process_time")]
    clocks += [(time, f"{name}_ns", _nanoseconds) for _, name, _ in clocks]
    chances = [(random, name, _chance) for name in _CHANCES]
    dates = [(datetime, "date", _Date), (datetime, "datetime", _Datetime)]
    others = [(time, "sleep", _sleep), (os, "urandom", _chance), (builtins, "open", _open)]
    return [*clocks, *chances, *dates, *others]


def install() -> Callable[[], None]:
    """Replaces all of it, and returns what takes it back. In a component it stays, from before the author's code."""
    before = [(where, name, getattr(where, name)) for where, name, _ in _replacements()]
    for where, name, value in _replacements():
        setattr(where, name, value)

    def restore() -> None:
        for where, name, value in before:
            setattr(where, name, value)

    return restore


@contextlib.contextmanager
def at(moment: int | None, log: Callable[[Any, str], None]) -> Iterator[None]:
    """Gives a call its time and its log."""
    global _at
    out, err = _Lines(lambda line: log("info", line)), _Lines(lambda line: log("error", line))
    before, streams = _at, (sys.stdout, sys.stderr)
    _at, sys.stdout, sys.stderr = moment, out, err
    try:
        yield
    finally:
        out.end()
        err.end()
        _at = before
        sys.stdout, sys.stderr = streams
