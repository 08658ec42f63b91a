"""From a laboratory value to the suggestion of a CTCAE grade. The investigator grades; a machine only suggests."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from protocol.ctcae import ROWS, SYNONYMS, TERM_FOR, Against, Bound, GradeRow, Grades, Limbs
from protocol.ctcae_terms import ALLOWED_GRADES
from protocol.vocabulary import CtcaeVersion

__all__ = ["TERM_FOR", "Suggestion", "allowed_grades", "febrile_neutropenia", "grade", "grades_exist", "row_for"]


class UnknownTerm(ValueError):
    """The term has no laboratory grades in this version."""


@dataclass(frozen=True)
class Suggestion:
    """A suggested grade, 0 for none; None where numbers are not enough. `ask` is what the investigator must add."""

    grade: int | None
    words: str
    ask: str = ""


def row_for(term: str, version: CtcaeVersion) -> GradeRow:
    """The row of a term, also by a synonym of an older version. Raises UnknownTerm."""
    name = SYNONYMS.get(term.strip().lower(), term.strip())
    found = [row for row in ROWS if row.term.lower() == name.lower() and version in row.versions]
    if not found:
        raise UnknownTerm(f"{term} has no laboratory grades in CTCAE {version.value}.")
    return found[0]


def grade(
    term: str,
    version: CtcaeVersion,
    value: Decimal,
    lln: Decimal | None = None,
    uln: Decimal | None = None,
    baseline: Decimal | None = None,
    baseline_flag: str = "",
    unit: str = "",
) -> Suggestion:
    """Suggested grade of a value in the unit of the row (or its SI unit). Raises UnknownTerm.

    `baseline_flag` HIGH or NORMAL says how the baseline stood; without it the baseline is compared with `uln`.
    """
    row = row_for(term, version)
    grades = _grades(row, unit, abnormal=_was_high(baseline, baseline_flag, uln))
    if not any(grades):
        return Suggestion(None, f"{row.term}: no numeric grade in version {version.value}", row.ask)
    limits = {Against.LLN: lln, Against.ULN: uln, Against.BASELINE: baseline, Against.NUMBER: Decimal(1)}
    reached = [_reached(limbs, value, limits, high=row.high) for limbs in grades]
    met = max((number for number, seen in enumerate(reached, start=1) if seen), default=0)
    if not met and None in reached:
        return Suggestion(None, f"{row.term}: the laboratory's limit is needed", row.ask)
    return Suggestion(met, f"{row.term}, CTCAE {version.value}: grade {met}", row.ask if met else "")


def _was_high(baseline: Decimal | None, flag: str, uln: Decimal | None) -> bool:
    if flag or baseline is None:
        return flag == "HIGH"
    return uln is not None and baseline > uln


def _grades(row: GradeRow, unit: str, *, abnormal: bool) -> Grades:
    if row.si_grades is not None and unit.split(" ")[0] == row.si_unit:
        return row.si_grades
    return row.abnormal if row.abnormal is not None and abnormal else row.grades


def _reached(limbs: Limbs, value: Decimal, limits: Mapping[Against, Decimal | None], *, high: bool) -> bool | None:
    """Whether one limb of a grade is reached; None if nothing is and a limit is missing."""
    known = [_beyond(bound, value, limit, high=high) for bound in limbs if (limit := limits[bound.against]) is not None]
    if any(known):
        return True
    return None if len(known) < len(limbs) and not known else False


def _beyond(bound: Bound, value: Decimal, limit: Decimal, *, high: bool) -> bool:
    edge = bound.value * limit
    if bound.inclusive and value == edge:
        return True
    return value > edge if high else value < edge


def febrile_neutropenia(anc: Decimal, temperature: Decimal, *, over_an_hour: bool) -> Suggestion:
    """Grade 3 with ANC below 1.0 and above 38.3 degrees once, or 38 for more than an hour."""
    fever = temperature > Decimal("38.3") or (temperature >= Decimal("38.0") and over_an_hour)
    found = 3 if anc < Decimal("1.0") and fever else 0
    return Suggestion(found, f"Febrile neutropenia: grade {found}", "Grade 4 is life-threatening." if found else "")


def allowed_grades(term: str) -> tuple[int, ...]:
    """The grades that exist for a term in CTCAE 5.0; all five where the term is not in the list."""
    return ALLOWED_GRADES.get(term, (1, 2, 3, 4, 5))


def grades_exist(term: str) -> bool:
    return term in ALLOWED_GRADES
