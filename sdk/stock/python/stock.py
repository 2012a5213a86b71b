"""What a shop has on its shelves: `../README.md` says what each message does."""

from dataclasses import dataclass, field
from typing import Annotated

from troupe_actor import Context, Matches, Range, Refused, actor, message

MOST = 1_000_000

Item = Annotated[str, Matches("[a-z0-9-]{1,32}")]
Count = Annotated[int, Range(1, MOST)]
Low = Annotated[int, Range(0, MOST)]
Seen = Annotated[int, Range(0)]
After = Annotated[int, Range(1, 86_400_000)]
Name = Annotated[str, Matches("[ -~]{1,256}")]


@dataclass
class Config:
    alert: Name | None = None
    low: Low = 0


@dataclass
class Left:
    item: Item
    n: Low


@dataclass
class Total:
    items: int
    total: int


@dataclass
class Timer:
    seq: int
    n: int


@dataclass
class Reminded:
    timer: Timer


@actor(reasons={"config": "not a configuration", "message": "not a message of stock"})
class Stock:
    alert: Name | None = None
    items: dict[Item, Count] = field(default_factory=dict)
    low: Low = 0
    seen: Seen = 0

    @classmethod
    def init(cls, config: Config | None) -> "Stock":
        given = config or Config()
        return cls(alert=given.alert, low=given.low)

    @message
    def add(self, item: Item, n: Count, ctx: Context) -> Left:
        self._seen("add", ctx)
        return self._set(item, self.items.get(item, 0) + n)

    @add.accept
    def _add_fits(self, item: Item, n: Count) -> None:
        if self.items.get(item, 0) + n > MOST:
            raise Refused(f"no room for {n} of {item}")

    @message
    def take(self, item: Item, n: Count, ctx: Context) -> Left:
        self._seen("take", ctx)
        left = self._set(item, self.items[item] - n)
        if left.n < self.low and self.alert is not None:
            ctx.send(self.alert, {"item": item, "low": left.n})
        return left

    @take.accept
    def _take_fits(self, item: Item, n: Count) -> None:
        if self.items.get(item, 0) < n:
            raise Refused(f"only {self.items.get(item, 0)} of {item}")

    @message
    def total(self, ctx: Context) -> Total:
        self._seen("total", ctx)
        return Total(len(self.items), sum(self.items.values()))

    @message
    def remind(self, after: After, ctx: Context) -> Reminded:
        self._seen("remind", ctx)
        timer = ctx.set_timer(after, {"total": {}})
        return Reminded(Timer(timer.seq, timer.n))

    @message
    def who(self, ctx: Context) -> dict[str, int | str]:
        self._seen("who", ctx)
        return {"at": ctx.at, "from": ctx.sender.kind, "seq": ctx.seq}

    @message
    def fail(self, ctx: Context) -> None:
        self._seen("fail", ctx)
        raise Refused("asked to fail")

    def _seen(self, key: str, ctx: Context) -> None:
        """What every message does."""
        ctx.log.debug(key)
        self.seen += 1

    def _set(self, item: str, n: int) -> Left:
        """Sets a count, names in ascending order."""
        self.items.pop(item, None)
        if n > 0:
            self.items[item] = n
            self.items = dict(sorted(self.items.items()))
        return Left(item, n)
