"""The criterion of a grade in words: numbers where the version has them, else what the grade means in general."""

from protocol.ctcae import Against, Bound, GradeRow, Limbs
from protocol.toxicity import UnknownTerm, row_for
from protocol.vocabulary import CtcaeVersion

#: What the grades mean for every term (CTCAE, general description).
GENERAL = {1: "mild", 2: "moderate", 3: "severe", 4: "life-threatening", 5: "death"}
#: Terms that are graded by the worse of two figures -> what is said of each, and the term of its row.
EITHER = {"Hypertension": (("systolic", "Hypertension, systolic"), ("diastolic", "Hypertension, diastolic"))}
_LIMITS = {Against.LLN: "lower limit", Against.ULN: "upper limit", Against.BASELINE: "baseline"}


def criterion(term: str, version: CtcaeVersion, grade: int) -> str:
    """For example "below 1.5 to 1.0 10*9/L"; empty where the term or the grade has no number in this version."""
    if term in EITHER:
        parts = [(words, criterion(part, version, grade)) for words, part in EITHER[term]]
        return " or ".join(f"{words} {found}" for words, found in parts if found)
    try:
        row = row_for(term, version)
    except UnknownTerm:
        return ""
    if not 1 <= grade <= len(row.grades) or not row.grades[grade - 1]:
        return ""
    return _span(row, grade)


def _span(row: GradeRow, grade: int) -> str:
    begins = row.grades[grade - 1]
    further = next((limbs for limbs in row.grades[grade:] if limbs), ())
    is_from = begins[0].inclusive
    side = "from" if is_from else "above" if row.high else "below"
    # The unit belongs to a number; multiples of a limit have none.
    unit = f" {row.unit}" if any(b.against is Against.NUMBER for b in (*begins, *further)) else ""
    return f"{side} {_edge(begins)}{f' to {_edge(further)}' if further else ''}{unit}"


def _edge(limbs: Limbs) -> str:
    return " or ".join(_bound(one) for one in limbs)


def _bound(bound: Bound) -> str:
    if bound.against is Against.NUMBER:
        return f"{bound.value}"
    name = _LIMITS[bound.against]
    return name if bound.value == 1 else f"{bound.value} x {name}"
