"""Comparing what a case expects with what was computed, on the keys that the expectation holds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from protocol.derived import round_half_up
from reporting.cases.reader import is_usable

#: Lists whose order means nothing.
_SETS = ("flags", "missing_critical", "pd_reasons", "mde", "mde_candidates", "expected_failed")


@dataclass(frozen=True)
class Difference:
    case: str
    path: str
    expected: object
    computed: object

    def __str__(self) -> str:
        return f"{self.case}  {self.path}  expected {self.expected!r}, computed {self.computed!r}"


def differences(
    case: str,
    expected: object,
    computed: object,
    path: str = "",
    tolerance: Decimal | None = None,
) -> Iterator[Difference]:
    """Every place where the computed value is not what is expected."""
    if isinstance(expected, Mapping):
        yield from _of_objects(case, expected, computed, path, tolerance)
    elif isinstance(expected, list):
        yield from _of_lists(case, expected, computed, path, tolerance)
    elif not _equal(expected, computed, tolerance):
        yield Difference(case, path, expected, shown(computed))


def _of_objects(
    case: str,
    expected: Mapping[str, object],
    computed: object,
    path: str,
    tolerance: Decimal | None,
) -> Iterator[Difference]:
    if not isinstance(computed, Mapping):
        yield Difference(case, path, dict(expected), shown(computed))
        return
    for key, value in expected.items():
        below = f"{path}.{key}" if path else key
        if key not in computed:
            yield Difference(case, below, value, "not computed")
        else:
            yield from differences(case, value, computed[key], below, tolerance)


def _of_lists(
    case: str,
    expected: list[object],
    computed: object,
    path: str,
    tolerance: Decimal | None,
) -> Iterator[Difference]:
    if not isinstance(computed, list):
        yield Difference(case, path, expected, shown(computed))
        return
    if path.rpartition(".")[2] in _SETS:
        expected, computed = sorted(expected, key=str), sorted(computed, key=str)
    if len(expected) != len(computed):
        yield Difference(case, path, expected, shown(computed))
        return
    for index, (wanted, found) in enumerate(zip(expected, computed, strict=True)):
        yield from differences(case, wanted, found, f"{path}[{index}]", tolerance)


def _equal(expected: object, computed: object, tolerance: Decimal | None) -> bool:
    if isinstance(expected, bool) or isinstance(computed, bool):
        return expected is computed
    wanted, found = _number(expected), _number(computed)
    if wanted is None or found is None or not is_usable(wanted):
        return expected == computed
    if tolerance is not None:
        return abs(wanted - found) <= tolerance
    return wanted in (found, _rounded(found, _places(wanted)))


def _number(value: object) -> Decimal | None:
    try:
        return Decimal(value) if isinstance(value, str | int | Decimal) else None
    except InvalidOperation:
        return None


def _places(value: Decimal) -> int:
    """Decimals as written: a value given with two decimals is met by what rounds to it."""
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def _rounded(value: Decimal, places: int) -> Decimal:
    """Never with more decimals than the value has: these could be more digits than arithmetic keeps."""
    return round_half_up(value, places) if places < _places(value) else value


def shown(value: object) -> object:
    """A computed value as it is written to a file: decimals as text."""
    if isinstance(value, Decimal):
        return f"{value:f}" if len(f"{value:f}") < 16 else f"{_rounded(value, 6):f}"
    if isinstance(value, Mapping):
        return {key: shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shown(item) for item in value]
    return value
