"""Edit checks: what is impossible blocks a field, what is implausible only asks (clinical specification 3).

Messages are shown to users as they are. Hard: cannot be read, negative, wrong unit, impossible or future date.
Soft: everything else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from protocol.derived import pct_change, round_half_up
from protocol.explain import plain, spoken
from protocol.schema import AnalyteSpec, Protocol
from protocol.units import UnknownUnit, convert
from protocol.vitals import PLAUSIBLE, WEIGHT_CHANGE_PCT
from protocol.vocabulary import Analyte, Severity

_NUMBER = re.compile(r"(?P<sign>[<>]?)\s*(?P<number>-?\d{1,9}([.,]\d{1,6})?)\Z", re.ASCII)
JUMP = Decimal(3)


@dataclass(frozen=True)
class Typed:
    """A value as understood: comparator and number in the typed unit, or a code."""

    comparator: str = ""
    value: Decimal | None = None
    coded: str = ""


@dataclass(frozen=True)
class Finding:
    severity: Severity
    code: str
    message: str
    suggestion: str = ""


def read_value(spec: AnalyteSpec, text: str) -> tuple[Typed | None, tuple[Finding, ...]]:
    """What was typed, understood. None with a hard finding if it cannot be read; a decimal comma is accepted."""
    typed = text.strip()
    if spec.coded:
        return _read_code(spec, typed)
    match = _NUMBER.match(typed)
    if match is None:
        return None, (_hard("unreadable", f"{spec.label}: enter a number, such as 2.4 or <0.1."),)
    number = Decimal(match["number"].replace(",", "."))
    if number < 0:
        return None, (_hard("negative", f"{spec.label} cannot be negative."),)
    return Typed(match["sign"], number), ()


def _read_code(spec: AnalyteSpec, typed: str) -> tuple[Typed | None, tuple[Finding, ...]]:
    known = {code.lower(): code for code in spec.coded}
    if typed.lower() in known:
        return Typed(coded=known[typed.lower()]), ()
    return None, (_hard("not_a_code", f"{spec.label}: choose one of {', '.join(spec.coded)}."),)


def check_value(
    analyte: Analyte,
    text: str,
    unit: str,
    trial: Protocol,
    previous: Decimal | None = None,
) -> tuple[Finding, ...]:
    """Every finding on one typed value. `previous` is the subject's last value in the canonical unit."""
    spec = trial.analytes[analyte]
    typed, findings = read_value(spec, text)
    if typed is None or typed.value is None:
        return findings
    try:
        value = convert(analyte, typed.value, unit)
    except UnknownUnit as problem:
        return (_hard("unit", str(problem)),)
    other = _other_unit(spec, typed.value, value, previous)
    return _plausible(spec, value, other) or _jump(spec, value, previous, other)


def _plausible(spec: AnalyteSpec, value: Decimal, other_unit: str) -> tuple[Finding, ...]:
    if spec.plausible is None or _is_expected(spec, value):
        return ()
    low, high = (plain(limit) for limit in spec.plausible)
    message = f"{spec.label} is {plain(value)} {spec.unit}; expected between {low} and {high}."
    return (Finding(Severity.SOFT, "implausible", message, other_unit),)


def _is_expected(spec: AnalyteSpec, value: Decimal) -> bool:
    return spec.plausible is None or spec.plausible[0] <= value <= spec.plausible[1]


def _other_unit(spec: AnalyteSpec, typed: Decimal, value: Decimal, previous: Decimal | None) -> str:
    """What the typed number would be in a unit in which it is plausible; empty if no other unit makes it so.

    Where there is a last result only a unit that brings the number close to it is proposed, and where the value is
    expected already only then: the typed number itself is never touched.
    """
    if previous is None and _is_expected(spec, value):
        return ""
    fitting = ((unit, convert(spec.analyte, typed, unit)) for unit in spec.units)
    for unit, meant in fitting:
        if meant != value and _is_expected(spec, meant) and not _is_jump(meant, previous):
            near = ", close to the last result" if previous else ""
            return f"In {unit} this is {plain(round_half_up(meant, 4))} {spec.unit}{near}."
    return ""


def _is_jump(value: Decimal, previous: Decimal | None) -> bool:
    """More than three times, or less than a third of, the last result; zeros are no measure."""
    return bool(previous and value) and not (value <= (previous or 0) * JUMP and (previous or 0) <= value * JUMP)


def _jump(spec: AnalyteSpec, value: Decimal, previous: Decimal | None, other_unit: str) -> tuple[Finding, ...]:
    if previous is None or not _is_jump(value, previous):
        return ()
    message = f"{spec.label} went from {plain(previous)} to {plain(value)} {spec.unit}."
    return (Finding(Severity.SOFT, "jump", message, other_unit or "Is this what the report says?"),)


def check_dates(on: date, today: date, earliest: date | None = None) -> tuple[Finding, ...]:
    """A date in the future or before the earliest possible day is hard."""
    if on > today:
        return (_hard("future", f"{spoken(on)} is in the future."),)
    if earliest is not None and on < earliest:
        return (_hard("impossible", f"{spoken(on)} is before {spoken(earliest)}."),)
    return ()


def check_window(on: date, opens_on: date, closes_on: date) -> tuple[Finding, ...]:
    """A date outside the visit window is soft."""
    if opens_on <= on <= closes_on:
        return ()
    days = (opens_on - on).days if on < opens_on else (on - closes_on).days
    side = "before the window opens" if on < opens_on else "after the window closed"
    return (Finding(Severity.SOFT, "window", f"{spoken(on)} is {days} d {side}."),)


def check_vitals(values: Mapping[str, Decimal], last_weight: Decimal | None) -> tuple[tuple[str, Finding], ...]:
    """Vital signs by item, each in its unit, that are to be asked about. last_weight: the newest one before, in kg."""
    found = [
        (name, Finding(Severity.SOFT, "vital_implausible", f"{one.label} is {plain(values[name])} {one.unit}; "
                       f"expected between {plain(one.low)} and {plain(one.high)}."))
        for name, one in PLAUSIBLE.items()
        if name in values and not one.low <= values[name] <= one.high
    ]  # fmt: skip
    weight = values.get("weight_kg")
    change = pct_change(last_weight, weight) if last_weight is not None and weight is not None else None
    if weight is not None and last_weight is not None and change is not None and abs(change) > WEIGHT_CHANGE_PCT:
        words = f"Weight went from {plain(last_weight)} to {plain(weight)} kg since it was last measured."
        found.append(("weight_kg", Finding(Severity.SOFT, "weight_jump", words)))
    return tuple(found)


def check_panel(values: Mapping[Analyte, Decimal | str]) -> tuple[Finding, ...]:
    """Contradictions between results of one sample, in canonical units."""
    return tuple(
        Finding(Severity.SOFT, code, message) for code, contradicts, message in _CONTRADICTIONS if contradicts(values)
    )


Values = Mapping[Analyte, Decimal | str]


def _value(values: Values, analyte: Analyte) -> Decimal | None:
    found = values.get(analyte)
    return found if isinstance(found, Decimal) else None


def _above(values: Values, analyte: Analyte, limit: Decimal) -> bool:
    found = _value(values, analyte)
    return found is not None and found > limit


def _spike_with_negative_ife(values: Values) -> bool:
    return values.get(Analyte.SERUM_IFE) == "neg" and _above(values, Analyte.SERUM_M, Decimal(0))


def _urine_m_with_negative_ife(values: Values) -> bool:
    return values.get(Analyte.URINE_IFE) == "neg" and _above(values, Analyte.URINE_M, Decimal(0))


def _spike_without_band(values: Values) -> bool:
    return values.get(Analyte.SPEP_TEXT) == "no_band" and _above(values, Analyte.SERUM_M, Decimal(0))


def _part_above_whole(part: Analyte, whole: Analyte, values: Values) -> bool:
    total = _value(values, whole)
    return total is not None and _above(values, part, total)


_CONTRADICTIONS = (
    (
        "ife_serum",
        _spike_with_negative_ife,
        "The M-spike is above 0 although serum immunofixation is negative: complete response is excluded.",
    ),
    (
        "spike_without_band",
        _spike_without_band,
        "The M-spike is above 0 although serum electrophoresis shows no monoclonal band.",
    ),
    (
        "ife_urine",
        _urine_m_with_negative_ife,
        "Urine M-protein is above 0 although urine immunofixation is negative.",
    ),
    (
        "spike_above_protein",
        lambda values: _part_above_whole(Analyte.SERUM_M, Analyte.TOTAL_PROTEIN, values),
        "The M-spike is above total protein.",
    ),
    (
        "urine_m_above_protein",
        lambda values: _part_above_whole(Analyte.URINE_M, Analyte.URINE_PROTEIN, values),
        "Urine M-protein is above urine total protein.",
    ),
    (
        "anc_above_wbc",
        lambda values: _part_above_whole(Analyte.ANC, Analyte.WBC, values),
        "Neutrophils are above the white blood cells.",
    ),
    (
        "lymph_above_wbc",
        lambda values: _part_above_whole(Analyte.LYMPH, Analyte.WBC, values),
        "Lymphocytes are above the white blood cells.",
    ),
)


def _hard(code: str, message: str) -> Finding:
    return Finding(Severity.HARD, code, message)
