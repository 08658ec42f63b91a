"""Vital signs: what is likely enough not to be asked about, and the CTCAE grade that they suggest (specification 4.2).

The investigator grades; a machine only suggests. A grade is suggested only above the one at baseline.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from protocol.derived import pct_change
from protocol.explain import plain
from protocol.toxicity import Suggestion, grade
from protocol.vocabulary import CtcaeVersion

HYPERTENSION, FEVER, WEIGHT_GAIN = "Hypertension", "Fever", "Weight gain"
TERMS = (HYPERTENSION, FEVER, WEIGHT_GAIN)
#: Lowest grade that is suggested. Grade 1 of hypertension begins at 120/80, where most people are: proposed, not
#: confirmed by the study owner.
FROM_GRADE = {HYPERTENSION: 2}


@dataclass(frozen=True)
class Plausible:
    """What a vital sign is expected to be, limits included, in `unit`. No source fixes it: proposed, not confirmed."""

    label: str
    unit: str
    low: Decimal
    high: Decimal
    source: str = "proposed"
    confirmed: bool = False


#: Name of the item -> the range outside which it is asked about.
PLAUSIBLE: Mapping[str, Plausible] = {
    "weight_kg": Plausible("Weight", "kg", Decimal(35), Decimal(200)),
    "temperature_c": Plausible("Temperature", "°C", Decimal(35), Decimal(40)),
    "pulse": Plausible("Pulse", "per minute", Decimal(40), Decimal(140)),
    "systolic": Plausible("Systolic pressure", "mmHg", Decimal(80), Decimal(220)),
    "diastolic": Plausible("Diastolic pressure", "mmHg", Decimal(40), Decimal(120)),
}
#: Percent by which a weight may differ from the one before it without being asked about: proposed, not confirmed.
WEIGHT_CHANGE_PCT = Decimal(10)


@dataclass(frozen=True)
class Vitals:
    """What was measured at one visit: mmHg, degrees Celsius, kg; None where it was not."""

    systolic: int | None = None
    diastolic: int | None = None
    temperature_c: Decimal | None = None
    weight_kg: Decimal | None = None


@dataclass(frozen=True)
class VitalGrade:
    """One suggested grade, 1 to 4, with the figures it rests on; `ask`: what they cannot know."""

    term: str
    grade: int
    words: str
    ask: str


def vital_grades(now: Vitals, base: Vitals, version: CtcaeVersion) -> tuple[VitalGrade, ...]:
    """Every grade that the figures of a visit suggest above baseline, in the order of TERMS."""
    found = (_hypertension(now, base, version), _fever(now, version), _weight_gain(now, base, version))
    return tuple(one for one in found if one is not None and one.grade >= FROM_GRADE.get(one.term, 1))


def _pressure(one: Vitals, version: CtcaeVersion) -> Suggestion | None:
    """The higher of the grades of both pressures."""
    measured = (("systolic", one.systolic), ("diastolic", one.diastolic))
    grades = [
        grade(f"{HYPERTENSION}, {which}", version, Decimal(value)) for which, value in measured if value is not None
    ]
    return max(grades, key=lambda each: each.grade or 0, default=None)


def _hypertension(now: Vitals, base: Vitals, version: CtcaeVersion) -> VitalGrade | None:
    found, before = _pressure(now, version), _pressure(base, version)
    if found is None or not found.grade or (before is not None and found.grade <= (before.grade or 0)):
        return None
    pressures = "/".join("?" if value is None else str(value) for value in (now.systolic, now.diastolic))
    return VitalGrade(HYPERTENSION, found.grade, f"{pressures} mmHg", found.ask)


def _fever(now: Vitals, version: CtcaeVersion) -> VitalGrade | None:
    if now.temperature_c is None:
        return None
    found = grade(FEVER, version, now.temperature_c)
    return VitalGrade(FEVER, found.grade, f"{plain(now.temperature_c)} °C", found.ask) if found.grade else None


def _weight_gain(now: Vitals, base: Vitals, version: CtcaeVersion) -> VitalGrade | None:
    if now.weight_kg is None or base.weight_kg is None:
        return None
    gain = pct_change(base.weight_kg, now.weight_kg)
    found = grade(WEIGHT_GAIN, version, gain) if gain is not None else None
    if found is None or not found.grade:
        return None
    words = f"{plain(now.weight_kg)} kg, {plain(base.weight_kg)} kg at baseline"
    return VitalGrade(WEIGHT_GAIN, found.grade, words, found.ask)
