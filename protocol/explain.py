"""The building blocks of an explanation: what was tested, on which figures, with which outcome."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from types import NoneType
from typing import Any, cast

from protocol.derived import round_half_up
from protocol.measurements import DiseaseFinding, Measurement
from protocol.units import canonical_unit
from protocol.vocabulary import CriterionOutcome

#: Three-valued truth: None is not known, never False.
Truth = bool | None
Json = None | bool | int | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True)
class Input:
    """One value that a test used, with the reference to its source record."""

    name: str
    on: date
    value: str
    unit: str
    source: str


@dataclass(frozen=True)
class Test:
    """One criterion as tested: rule id, rule in words, outcome, this subject's figures, inputs and thresholds."""

    rule: str
    words: str
    outcome: CriterionOutcome
    figures: str = ""
    inputs: tuple[Input, ...] = ()
    thresholds: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def outcome(met: Truth) -> CriterionOutcome:
    """Three-valued truth as an outcome; None is indeterminate."""
    if met is None:
        return CriterionOutcome.INDETERMINATE
    return CriterionOutcome.MET if met else CriterionOutcome.NOT_MET


def any_of(parts: Iterable[Truth]) -> Truth:
    """Three-valued or."""
    seen = tuple(parts)
    return True if True in seen else None if None in seen else False


def all_of(parts: Iterable[Truth]) -> Truth:
    """Three-valued and."""
    seen = tuple(parts)
    return False if False in seen else None if None in seen else True


def as_input(measurement: Measurement) -> Input:
    value = measurement.coded if measurement.value is None else plain(measurement.value)
    return Input(
        measurement.analyte.value,
        measurement.collected_on,
        measurement.comparator + value,
        canonical_unit(measurement.analyte),
        measurement.source,
    )


def finding_input(finding: DiseaseFinding, name: str, value: object) -> Input:
    return Input(name, finding.on, str(value), "", finding.source)


def plain(value: Decimal) -> str:
    """A number without exponent and without padding."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def spoken(on: date) -> str:
    """A date as people read it: 12 Mar 2026."""
    return f"{on.day} {_MONTHS[on.month - 1]} {on.year}"


def signed(value: Decimal) -> str:
    """A difference with its sign."""
    return f"+{plain(value)}" if value >= 0 else plain(value)


def percent(value: Decimal | None) -> str:
    """A percentage for reading, one decimal; never used for comparing."""
    return "undefined" if value is None else f"{round_half_up(value, 1):f} %"


def to_json(value: object) -> Json:
    """Frozen dataclasses, enums, dates and decimals as plain JSON types in a fixed order."""
    return _FORMS[type(value)](value)


def to_json_object(value: object) -> dict[str, Json]:
    """A dataclass as a JSON object."""
    return cast("dict[str, Json]", to_json(value))


class _Forms(dict[type, Callable[[Any], Json]]):
    """How each type is written. A derivation holds tens of thousands of values, so each type is judged once."""

    def __missing__(self, kind: type) -> Callable[[Any], Json]:
        self[kind] = _form(kind)
        return self[kind]


def _form(kind: type) -> Callable[[Any], Json]:
    if is_dataclass(kind):
        names = tuple(f.name for f in fields(kind))
        return lambda value: {name: _FORMS[type(held := getattr(value, name))](held) for name in names}
    for base, form in _BASES.items():
        if issubclass(kind, base):
            return form
    raise TypeError(f"{kind.__name__} has no JSON form.")


def _itself(value: Any) -> Json:
    return cast("Json", value)


# In this order: an enum of strings is a str as well.
_BASES: dict[type, Callable[[Any], Json]] = {
    Enum: lambda value: str(value.value),
    NoneType: _itself,
    int: _itself,
    str: _itself,
    Decimal: plain,
    date: lambda value: str(value.isoformat()),
    Mapping: lambda value: {str(to_json(key)): to_json(value[key]) for key in sorted(value, key=str)},
    frozenset: lambda value: sorted((to_json(item) for item in value), key=str),
    tuple: lambda value: [to_json(item) for item in value],
    list: lambda value: [to_json(item) for item in value],
}
_FORMS = _Forms()
