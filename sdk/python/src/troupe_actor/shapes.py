"""From a type to what its values look like in JSON: a function that reads one, and a JSON Schema.

Types are bool, int, float, str, None, Any, list, dict with text as names, Optional and other unions, Literal, Annotated with
constraints, and dataclasses of them. A type is compiled once, where the actor is defined.
"""

import dataclasses
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union

Read = Callable[[Any], Any]


class Wrong(Exception):
    """A value does not fit; each value that it is in puts its own name before the path."""

    def __init__(self, what: str, path: str = "") -> None:
        self.what = what
        self.path = path

    def within(self, name: str) -> "Wrong":
        self.path = name + self.path
        return self


@dataclass(frozen=True)
class Shape:
    """How a type is read and what it looks like; a member of an object may have a default."""

    read: Read
    schema: dict[str, Any]


def shape(kind: Any, path: str, *, whole: bool = False, around: tuple[Any, ...] = ()) -> Shape:
    """The shape of a type. `whole` asks for every field of a dataclass, also of those with a default.

    Raises TypeError, with the path, for a type that has none.
    """
    if kind is Any:
        return Shape(lambda value: value, {})
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    inner: dict[str, Any] = {"whole": whole, "around": around}
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return _annotated(shape(arguments[0], path, **inner), arguments[1:], path)
    if origin is Literal:
        return _literal(arguments)
    if origin in (Union, types.UnionType):
        return _union([shape(one, path, **inner) for one in arguments])
    if origin is list and len(arguments) == 1:
        return _list(shape(arguments[0], f"{path}[]", **inner))
    if origin is dict and len(arguments) == 2:
        return _dict(shape(arguments[0], f"the names of {path}", **inner), shape(arguments[1], f"{path}.*", **inner))
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        if kind in around:
            raise TypeError(f"{path}: {kind.__name__} is within itself")
        return _dataclass(kind, path, whole, (*around, kind))
    raise TypeError(f"{path}: the type {kind!r} has no shape in JSON; README.md lists those that have")


def members(named: dict[str, tuple[Shape, bool]], make: Callable[..., Any]) -> Shape:
    """An object with exactly these members, each with whether it must be there, given to `make` by name."""
    reads = {name: member.read for name, (member, _) in named.items()}
    required = [name for name, (_, must) in named.items() if must]

    def read(value: Any) -> Any:
        if type(value) is not dict:
            raise Wrong("is not an object")
        found = {}
        for name, item in value.items():
            one = reads.get(name)
            if one is None:
                raise Wrong("is not known here", f".{name}")
            try:
                found[name] = one(item)
            except Wrong as wrong:
                raise wrong.within(f".{name}") from None
        for name in required:
            if name not in found:
                raise Wrong("is missing", f".{name}")
        return make(**found)

    schema: dict[str, Any] = {"type": "object"}
    schema["properties"] = {name: member.schema for name, (member, _) in named.items()}
    schema["required"] = required
    schema["additionalProperties"] = False
    return Shape(read, schema)


def _simple(kind: type, name: str, says: str, article: str) -> Shape:
    def read(value: Any) -> Any:
        # A bool is an int to Python, and not to JSON.
        if type(value) is kind:
            return value
        raise Wrong(f"is not {article}{name}")

    return Shape(read, {"type": says})


def _read_float(value: Any) -> Any:
    if type(value) in (int, float):
        return value
    raise Wrong("is not a number")


_SIMPLE: dict[Any, Shape] = {
    bool: _simple(bool, "boolean", "boolean", "a "),
    int: _simple(int, "integer", "integer", "an "),
    float: Shape(_read_float, {"type": "number"}),
    str: _simple(str, "string", "string", "a "),
    None: _simple(type(None), "null", "null", ""),
    type(None): _simple(type(None), "null", "null", ""),
}


def _annotated(inner: Shape, said: tuple[Any, ...], path: str) -> Shape:
    schema = dict(inner.schema)
    for one in said:
        if not hasattr(one, "wrong"):
            raise TypeError(f"{path}: {one!r} is not a constraint")
        added = one.schema()
        if schema.get("type") == "array":
            added = {name.replace("Length", "Items"): value for name, value in added.items()}
        schema |= added

    def read(value: Any) -> Any:
        found = inner.read(value)
        for one in said:
            what = one.wrong(found)
            if what is not None:
                raise Wrong(what)
        return found

    return Shape(read, schema)


def _literal(values: tuple[Any, ...]) -> Shape:
    kinds = {(type(value), value) for value in values}

    def read(value: Any) -> Any:
        if type(value) in (bool, int, str, type(None)) and (type(value), value) in kinds:
            return value
        raise Wrong(f"is not one of {', '.join(map(repr, values))}")

    return Shape(read, {"enum": list(values)})


def _union(shapes: list[Shape]) -> Shape:
    def read(value: Any) -> Any:
        found = []
        for one in shapes:
            try:
                return one.read(value)
            except Wrong as wrong:
                found.append(wrong)
        # The kind that fits best is the one that is wrong furthest inside.
        raise max(found, key=lambda wrong: wrong.path.count(".") + wrong.path.count("["))

    return Shape(read, {"anyOf": [one.schema for one in shapes]})


def _list(item: Shape) -> Shape:
    def read(value: Any) -> Any:
        if type(value) is not list:
            raise Wrong("is not an array")
        found = []
        for at, one in enumerate(value):
            try:
                found.append(item.read(one))
            except Wrong as wrong:
                raise wrong.within(f"[{at}]") from None
        return found

    return Shape(read, {"type": "array", "items": item.schema})


def _dict(name: Shape, item: Shape) -> Shape:
    if name.schema.get("type") != "string":
        raise TypeError("the names of a dict are text")

    def read(value: Any) -> Any:
        if type(value) is not dict:
            raise Wrong("is not an object")
        found = {}
        for key, one in value.items():
            try:
                name.read(key)
            except Wrong as wrong:
                raise Wrong(f"the name {wrong.what}", f".{key}") from None
            try:
                found[key] = item.read(one)
            except Wrong as wrong:
                raise wrong.within(f".{key}") from None
        return found

    schema = {"type": "object", "additionalProperties": item.schema}
    if len(name.schema) > 1:
        schema["propertyNames"] = name.schema
    return Shape(read, schema)


def _dataclass(kind: type, path: str, whole: bool, around: tuple[Any, ...]) -> Shape:
    hints = typing.get_type_hints(kind, include_extras=True)
    named = {}
    for field in dataclasses.fields(kind):
        defaults = (field.default, field.default_factory)
        must = whole or all(one is dataclasses.MISSING for one in defaults)
        inner = shape(hints[field.name], f"{path}.{field.name}", whole=whole, around=around)
        named[field.name] = (inner, must)
    return members(named, kind)
