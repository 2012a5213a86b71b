"""Values and their bytes: compact JSON in UTF-8, members in the order of the fields or of the dict.

A state is hashed and kept for good, so whatever JSON cannot say is an error that names its place.
"""

import dataclasses
import json
import math
from typing import Any

_PLAIN = (str, bool, int, type(None))


def encode(value: Any, what: str) -> bytes:
    """The bytes of a value. `what` begins the path in an error."""
    text = json.dumps(_plain(value, what), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # Half of a surrogate pair has no UTF-8; JSON writes it as an escape, and so does this.
    return text.encode("utf-8", "backslashreplace")


def decode(data: bytes) -> Any:
    """The value of bytes; raises ValueError if they are not JSON in UTF-8."""
    return json.loads(data.decode("utf-8"), parse_constant=_not_json)


def _not_json(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _plain(value: Any, path: str) -> Any:
    """The value made of what `json` writes as it is."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is float:
        if math.isfinite(value):
            return value
        raise TypeError(f"{path}: {value} is not JSON")
    if kind is dict:
        for name in value:
            if type(name) is not str:
                raise TypeError(f"{path}: {name!r}, of type {type(name).__name__}, is not a name in JSON")
        return {name: _plain(item, f"{path}.{name}") for name, item in value.items()}
    if kind is list or kind is tuple:
        return [_plain(item, f"{path}[{at}]") for at, item in enumerate(value)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: _plain(getattr(value, field.name), f"{path}.{field.name}") for field in fields}
    raise TypeError(f"{path}: a value of type {kind.__name__} is not JSON")
