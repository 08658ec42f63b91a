"""Reading a case file: every value typed, every defect one clear sentence."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from protocol.schema import Config, Protocol

E = TypeVar("E", bound=StrEnum)
Object = Mapping[str, object]
SCHEMA = "clinical-cases/"
YEARS = range(1900, 2200)
#: Powers of ten that a number may lie above or below 1, and the decimals that it may be written with.
LARGEST = 12
DECIMALS = 24
#: Days, visits and months of a switch: ten years either way.
SWITCH_RANGE = range(-3660, 3661)
SHOWN = 60


class Malformed(ValueError):
    """The case file cannot be understood; the message is one sentence for the user."""


def load(path: Path) -> Object:
    """The file as a JSON object of the known schema. Raises Malformed."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_once)
        json.dumps(content, ensure_ascii=False).encode()
    except OSError as problem:
        raise Malformed(f"{path} cannot be read: {problem.strerror}.") from None
    except UnicodeError:
        raise Malformed(f"{path} is not UTF-8 text.") from None
    except json.JSONDecodeError as problem:
        raise Malformed(f"{path} is not JSON: {problem.msg} in line {problem.lineno}.") from None
    except Malformed:
        raise
    except ValueError:
        raise Malformed(f"{path} holds a number with too many digits.") from None
    except RecursionError:
        raise Malformed(f"{path} is nested too deeply.") from None
    found = as_object(content, "the file")
    if not str(found.get("schema", "")).startswith(SCHEMA):
        raise Malformed(f"{path} is not a case file: its schema is not {SCHEMA}1.")
    return found


def _once(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """An object of the file; of a key written twice only one value would be judged."""
    found = dict(pairs)
    twice = next((key for key, count in Counter(key for key, _ in pairs).items() if count > 1), None)
    if twice is not None:
        raise Malformed(f"the file: {said(twice)} is written twice in one object.")
    return found


def said(value: object) -> str:
    """A value of the file as a message quotes it: in one line, cut where it is long."""
    words = repr(value)
    return words if len(words) <= SHOWN else f"{words[:SHOWN]}..."


def as_object(value: object, where: str) -> Object:
    if not isinstance(value, dict):
        raise Malformed(f"{where}: expected an object.")
    return value


def as_list(value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise Malformed(f"{where}: expected a list.")
    return value


def need(source: Object, key: str, where: str) -> object:
    if key not in source:
        raise Malformed(f"{where}: {key} is missing.")
    return source[key]


def part(source: Object, key: str, where: str) -> Object:
    """An object inside another, empty if the key is absent or null."""
    value = source.get(key)
    return {} if value is None else as_object(value, f"{where}: {key}")


def objects(source: Object, key: str, where: str) -> list[Object]:
    """A list of objects, empty if the key is absent."""
    value = source.get(key)
    rows = [] if value is None else as_list(value, f"{where}: {key}")
    return [as_object(row, f"{where}: {key}[{index}]") for index, row in enumerate(rows)]


def text(source: Object, key: str, where: str) -> str:
    value = need(source, key, where)
    if not isinstance(value, str):
        raise Malformed(f"{where}: {key} is not text.")
    return value


def day(source: Object, key: str, where: str) -> date:
    return as_day(need(source, key, where), f"{where}: {key}")


def optional_day(source: Object, key: str, where: str) -> date | None:
    return None if source.get(key) is None else day(source, key, where)


def as_day(value: object, where: str) -> date:
    try:
        if not isinstance(value, str) or len(value) != 10:
            raise ValueError
        found = date.fromisoformat(value)
    except ValueError:
        raise Malformed(f"{where}: {said(value)} is not a date such as 2024-07-15.") from None
    if found.year not in YEARS:
        raise Malformed(f"{where}: {value} lies outside the years {YEARS.start} to {YEARS.stop - 1}.")
    return found


def decimal(source: Object, key: str, where: str) -> Decimal:
    return as_decimal(need(source, key, where), f"{where}: {key}")


def optional_decimal(source: Object, key: str, where: str) -> Decimal | None:
    return None if source.get(key) is None else decimal(source, key, where)


def as_decimal(value: object, where: str) -> Decimal:
    """A number written as a JSON string or a whole JSON number; never a binary fraction."""
    try:
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise InvalidOperation
        number = Decimal(value)
    except InvalidOperation:
        raise Malformed(f"{where}: {said(value)} is not a number written as text.") from None
    if not is_usable(number):
        raise Malformed(f"{where}: {said(value)} is not a finite number of a usable size.")
    return number


def is_usable(number: Decimal) -> bool:
    """Whether arithmetic with the number can neither overflow nor lose the whole of it."""
    exponent = number.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -DECIMALS and abs(number.adjusted()) <= LARGEST


def whole(source: Object, key: str, where: str) -> int:
    return as_whole(need(source, key, where), f"{where}: {key}")


def as_whole(value: object, where: str) -> int:
    number = as_decimal(value, where)
    if number != number.to_integral_value():
        raise Malformed(f"{where} is not a whole number.")
    return int(number)


def member(enum: type[E], value: object, where: str) -> E:
    try:
        return enum(str(value))
    except ValueError:
        raise Malformed(f"{where}: {said(value)} is not one of {', '.join(enum)}.") from None


def truth(value: object, where: str) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise Malformed(f"{where}: {said(value)} is neither true, false nor null.")


def configured(trial: Protocol, settings: Object, where: str) -> Protocol:
    """The protocol under the switches of a file or a case."""
    config = trial.config
    for name, value in settings.items():
        if name not in _SWITCHES:
            raise Malformed(f"{where}: config {name} is not a switch of the protocol.")
        chosen = _switch(getattr(config, name), value, f"{where}: config {name}")
        if name in FIXED and chosen != getattr(trial.config, name):
            raise Malformed(f"{where}: config {name} can only be {getattr(trial.config, name)}.")
        config = replace(config, **{name: chosen})
    if config.fu_visits * config.fu_interval_months > SWITCH_RANGE.stop:
        raise Malformed(f"{where}: config fu_visits and fu_interval_months reach too far.")
    return replace(trial, config=config)


_SWITCHES = {field.name for field in fields(Config)}
#: Switches with one value that can be computed: another one is refused, never passed over.
FIXED = (
    "hold_shifts_calendar",
    "low_dex_anchor",
    "low_dex_13_18_mandatory",
    "high_dex_months",
    "combo_reference",
    "orr_floor",
    "pfs_day_count",
)


def _numbers(default: tuple[int, ...], value: object, where: str) -> tuple[int, ...]:
    """Whole numbers; a window has two of them."""
    found = tuple(_count(item, where) for item in as_list(value, where))
    if len(default) == 2 and len(found) != 2:
        raise Malformed(f"{where}: expected two numbers.")
    return found


def _count(value: object, where: str) -> int:
    number = as_whole(value, where)
    if number not in SWITCH_RANGE:
        raise Malformed(f"{where}: {number} lies outside {SWITCH_RANGE.start} to {SWITCH_RANGE.stop - 1}.")
    return number


def _switch(default: object, value: object, where: str) -> Any:
    """A switch read as its default is typed; of a dose only the leading number counts."""
    if isinstance(default, bool):
        return bool(truth(value, where))
    if isinstance(default, StrEnum):
        return member(type(default), value, where)
    if isinstance(default, Decimal):
        return as_decimal(str(value).split(" ")[0], where)
    if isinstance(default, int):
        return _count(value, where)
    if isinstance(default, tuple):
        return _numbers(default, value, where)
    return str(value)
