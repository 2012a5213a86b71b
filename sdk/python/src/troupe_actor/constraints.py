"""What a type may say of its values beside what they are: `Annotated[int, Range(1, 9)]`."""

import re
from dataclasses import dataclass, field
from typing import Any, Protocol


class Constraint(Protocol):
    """What `Annotated` may carry."""

    def wrong(self, value: Any) -> str | None:
        """What is wrong with a value of the annotated type, if anything is."""

    def schema(self) -> dict[str, Any]:
        """The same for people, in JSON Schema."""


@dataclass(frozen=True)
class Range:
    """A number from `least` to `most`; None is without an end."""

    least: float | None = None
    most: float | None = None

    def wrong(self, value: float) -> str | None:
        if self.least is not None and value < self.least:
            return f"is less than {self.least}"
        if self.most is not None and value > self.most:
            return f"is more than {self.most}"
        return None

    def schema(self) -> dict[str, Any]:
        return _present(minimum=self.least, maximum=self.most)


@dataclass(frozen=True)
class Length:
    """A text of so many characters, or a list of so many items."""

    least: int = 0
    most: int | None = None

    def wrong(self, value: str | list[Any]) -> str | None:
        if len(value) < self.least:
            return f"is shorter than {self.least}"
        if self.most is not None and len(value) > self.most:
            return f"is longer than {self.most}"
        return None

    def schema(self) -> dict[str, Any]:
        return _present(minLength=self.least or None, maxLength=self.most)


@dataclass(frozen=True)
class Matches:
    """A text that the whole of a regular expression matches."""

    pattern: str
    compiled: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "compiled", re.compile(self.pattern))

    def wrong(self, value: str) -> str | None:
        return None if self.compiled.fullmatch(value) else f"does not match {self.pattern}"

    def schema(self) -> dict[str, Any]:
        return {"pattern": f"^(?:{self.pattern})$"}


def _present(**keywords: Any) -> dict[str, Any]:
    return {name: value for name, value in keywords.items() if value is not None}
