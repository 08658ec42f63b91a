"""Reading back what `explain.to_json` wrote: stored inputs of a derivation become the objects that the rules read."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from protocol.measurements import Course

T = TypeVar("T")


class NotReadable(ValueError):
    """Stored data that this version of the rules cannot read, with the place."""


def course_from_json(stored: Mapping[str, Any]) -> Course:
    """The course that was stored with a derived response. Fields left out take their defaults."""
    return from_json(Course, stored)


def from_json(kind: type[T], stored: object) -> T:
    """An object of a frozen dataclass from plain JSON types; NotReadable for what does not fit."""
    return cast("T", _read(kind, stored, kind.__name__))


def _read(kind: Any, stored: Any, place: str) -> Any:
    if is_dataclass(kind):
        return _read_dataclass(cast("type", kind), stored, place)
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _read_optional(kind, stored, place)
    if origin in (tuple, frozenset):
        return origin(_read(get_args(kind)[0], item, f"{place}[{i}]") for i, item in enumerate(stored))
    return _read_plain(kind, stored, place)


def _read_dataclass(kind: type, stored: Any, place: str) -> Any:
    if not isinstance(stored, Mapping):
        raise NotReadable(f"{place} is not an object.")
    hints = _hints(kind)
    unknown = sorted(set(stored) - set(hints))
    if unknown:
        raise NotReadable(f"{place} has an unknown field: {unknown[0]}.")
    return kind(**{name: _read(hints[name], value, f"{place}.{name}") for name, value in stored.items()})


@cache
def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _read_optional(kind: Any, stored: Any, place: str) -> Any:
    (inner,) = (one for one in get_args(kind) if one is not NoneType)
    return None if stored is None else _read(inner, stored, place)


def _read_plain(kind: Any, stored: Any, place: str) -> Any:
    reader = _READERS.get(kind, kind if issubclass(kind, Enum) else None)
    if reader is None:
        raise NotReadable(f"{place} has a type that is not stored: {kind}.")
    try:
        return reader(stored)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise NotReadable(f"{place} cannot be read: {stored!r}.") from error


def _bool(stored: object) -> bool:
    if not isinstance(stored, bool):
        raise TypeError(stored)
    return stored


_READERS: dict[type, Callable[[Any], Any]] = {
    str: str,
    bool: _bool,
    int: int,
    Decimal: Decimal,
    date: date.fromisoformat,
}
