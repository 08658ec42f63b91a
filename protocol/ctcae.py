"""CTCAE laboratory grades as data (clinical specification 4.2). [R] marks rows recalled and not read again.

Each row lists the bound of grades 1 to 4; None means that the grade has no numeric bound. A bound is a number in
the unit of the row, or a multiple of the lower limit (LLN), upper limit (ULN) or baseline. `or` limbs stand in a
tuple. The inclusive sign is part of the bound.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from protocol.vocabulary import Analyte, CtcaeVersion

V3, V4, V5, V6 = CtcaeVersion


class Against(StrEnum):
    NUMBER = "number"
    LLN = "LLN"
    ULN = "ULN"
    BASELINE = "baseline"


@dataclass(frozen=True)
class Bound:
    """The value that a grade starts beyond; `inclusive` if the value itself has the grade."""

    value: Decimal
    against: Against = Against.NUMBER
    inclusive: bool = False


Limbs = tuple[Bound, ...]
Grades = tuple[Limbs, Limbs, Limbs, Limbs]


@dataclass(frozen=True)
class GradeRow:
    """One term in one group of versions. `abnormal` replaces `grades` where the baseline is above the limit."""

    term: str
    versions: tuple[CtcaeVersion, ...]
    high: bool
    unit: str
    grades: Grades
    abnormal: Grades | None = None
    ask: str = ""
    si_unit: str = ""
    si_grades: Grades | None = None


NONE: Limbs = ()


def _number(text: str) -> Limbs:
    return (Bound(Decimal(text)),) if text else NONE


def _from(text: str) -> Limbs:
    return (Bound(Decimal(text), inclusive=True),)


def _bounds(first: Limbs, numbers: str) -> Grades:
    """Grade 1 beyond `first`, grades 2 to 4 beyond the numbers; a dash stands for no numeric bound."""
    second, third, fourth = (_number("" if text == "-" else text) for text in numbers.split())
    return (first, second, third, fourth)


def _times(against: Against, factors: str, *, first_inclusive: bool = False) -> Grades:
    parts = [(Bound(Decimal(f), against),) if f != "-" else NONE for f in factors.split()]
    if first_inclusive:
        parts[0] = (Bound(parts[0][0].value, against, inclusive=True),)
    first, second, third, fourth = parts
    return (first, second, third, fourth)


LLN: Limbs = (Bound(Decimal(1), Against.LLN),)
ULN: Limbs = (Bound(Decimal(1), Against.ULN),)
ALL = (V3, V4, V5, V6)
UP_TO_5 = (V3, V4, V5)
_ANAEMIA_ASK = "Grade 4 needs life-threatening consequences."
_SYMPTOMS = "Ask for symptoms: 2 if asymptomatic, 3 if symptomatic."


def _low(
    term: str, versions: tuple[CtcaeVersion, ...], unit: str, numbers: str, ask: str = "", si: str = ""
) -> GradeRow:
    si_unit, _, si_numbers = si.partition(": ")
    si_grades = _bounds(LLN, si_numbers) if si else None
    return GradeRow(term, versions, False, unit, _bounds(LLN, numbers), None, ask, si_unit, si_grades)


def _high(
    term: str, versions: tuple[CtcaeVersion, ...], unit: str, numbers: str, ask: str = "", si: str = ""
) -> GradeRow:
    si_unit, _, si_numbers = si.partition(": ")
    si_grades = _bounds(ULN, si_numbers) if si else None
    return GradeRow(term, versions, True, unit, _bounds(ULN, numbers), None, ask, si_unit, si_grades)


def _enzyme(term: str, factors: str, abnormal: str, old: str) -> tuple[GradeRow, ...]:
    base = _times(Against.BASELINE, abnormal, first_inclusive=True)
    return (
        GradeRow(term, (V5, V6), True, "U/L", _times(Against.ULN, factors), base),
        GradeRow(term, (V3, V4), True, "U/L", _times(Against.ULN, old)),
    )


def _both(*bounds: tuple[str, Against]) -> Limbs:
    return tuple(Bound(Decimal(value), against) for value, against in bounds)


_B, _U = Against.BASELINE, Against.ULN
_CREATININE_5: Grades = (ULN, _both(("1.5", _B), ("1.5", _U)), _both(("3", _B), ("3", _U)), _both(("6", _U)))
_CREATININE_4: Grades = (_both(("1", _B), ("1", _U)), *_CREATININE_5[1:])
_CELLS = "10*9/L"

ROWS = (
    _low("Neutrophil count decreased", UP_TO_5, _CELLS, "1.5 1.0 0.5"),
    GradeRow(
        "Neutrophil count decreased",
        (V6,),
        False,
        _CELLS,
        (_number("1.5"), _number("1.0"), _number("0.5"), _number("0.1")),
    ),
    _low("White blood cell decreased", ALL, _CELLS, "3.0 2.0 1.0"),
    _low("Lymphocyte count decreased", ALL, _CELLS, "0.8 0.5 0.2"),
    _low("Platelet count decreased", UP_TO_5, _CELLS, "75 50 25"),
    _low("Platelet count decreased", (V6,), _CELLS, "75 50 10"),
    _low("Anemia", (V3,), "g/dL", "10.0 8.0 6.5", si="g/L: 100 80 65"),
    _low("Anemia", (V4, V5, V6), "g/dL", "10.0 8.0 -", _ANAEMIA_ASK, si="g/L: 100 80 -"),
    *_enzyme("Alanine aminotransferase increased", "1 3 5 20", "1.5 3 5 20", "1 2.5 5 20"),
    *_enzyme("Aspartate aminotransferase increased", "1 3 5 20", "1.5 3 5 20", "1 2.5 5 20"),
    GradeRow(
        "Alkaline phosphatase increased",
        (V5,),
        True,
        "U/L",
        _times(Against.ULN, "1 2.5 5 20"),
        _times(Against.BASELINE, "2 2.5 5 20", first_inclusive=True),
    ),
    GradeRow("Alkaline phosphatase increased", (V3, V4), True, "U/L", _times(Against.ULN, "1 2.5 5 20")),
    GradeRow("Alkaline phosphatase increased", (V6,), True, "U/L", (ULN, NONE, NONE, NONE), _times(_B, "1 - - -")),
    *_enzyme("GGT increased", "1 2.5 5 20", "2 2.5 5 20", "1 2.5 5 20"),
    GradeRow(
        "Blood bilirubin increased",
        (V5, V6),
        True,
        "mg/dL",
        _times(Against.ULN, "1 1.5 3 10"),
        _times(Against.BASELINE, "1 1.5 3 10"),
    ),
    GradeRow("Blood bilirubin increased", (V3, V4), True, "mg/dL", _times(Against.ULN, "1 1.5 3 10")),
    GradeRow("Creatinine increased", (V5, V6), True, "mg/dL", _CREATININE_5),
    GradeRow("Creatinine increased", (V4,), True, "mg/dL", _CREATININE_4),
    GradeRow("Creatinine increased", (V3,), True, "mg/dL", _times(Against.ULN, "1 1.5 3 6")),
    _high("Hypercalcemia", ALL, "mg/dL", "11.5 12.5 13.5", si="mmol/L: 2.9 3.1 3.4"),
    _low("Hypocalcemia", ALL, "mg/dL", "8.0 7.0 6.0", si="mmol/L: 2.0 1.75 1.5"),
    _low("Hypoalbuminemia", ALL, "g/dL", "3.0 2.0 -", _ANAEMIA_ASK, si="g/L: 30 20 -"),
    _high("Hyperglycemia", (V3, V4, V6), "mg/dL", "160 250 500", si="mmol/L: 8.9 13.9 27.8"),
    GradeRow(
        "Hyperglycemia",
        (V5,),
        True,
        "mg/dL",
        (NONE, NONE, NONE, NONE),
        ask="Version 5.0 has no numeric grade; grade from the management.",
    ),
    _low("Hypoglycemia", ALL, "mg/dL", "55 40 30", si="mmol/L: 3.0 2.2 1.7"),
    _low("Hypokalemia", ALL, "mmol/L", "- 3.0 2.5", "Ask for symptoms: grade 2 below the limit if symptomatic."),
    _high("Hyperkalemia", ALL, "mmol/L", "5.5 6.0 7.0"),
    _low("Hyponatremia", ALL, "mmol/L", "- 130 120", _SYMPTOMS),
    _high("Hypernatremia", ALL, "mmol/L", "150 155 160"),
    _high("Hyperuricemia", ALL, "mg/dL", "- - -", "Grade 3 with physiologic effect, grade 4 if life-threatening."),
    _low("Hypophosphatemia", (V3, V4), "mg/dL", "2.5 2.0 1.0", si="mmol/L: 0.8 0.6 0.3"),
    GradeRow(
        "Hypophosphatemia",
        (V5, V6),
        False,
        "mg/dL",
        (NONE, NONE, NONE, NONE),
        ask="This version has no numeric grade; grade from the management.",
    ),
    _high("Blood lactate dehydrogenase increased", ALL, "U/L", "- - -"),
    _high("Cholesterol high", ALL, "mg/dL", "300 400 500", si="mmol/L: 7.75 10.34 12.92"),
    GradeRow(
        "Hypertriglyceridemia",
        ALL,
        True,
        "mg/dL",
        (_from("150"), _number("300"), _number("500"), _number("1000")),
    ),
    GradeRow(
        "Fever",
        ALL,
        True,
        "Cel",
        (_from("38.0"), _number("39.0"), _number("40.0"), NONE),
        ask="Grade 4 above 40.0 for more than 24 hours.",
    ),
    GradeRow(
        "Weight gain",
        ALL,
        True,
        "%",
        (_from("5"), _from("10"), _from("20"), NONE),
    ),
    GradeRow(
        "Hypertension, systolic",
        (V4, V5, V6),
        True,
        "mmHg",
        (_from("120"), _from("140"), _from("160"), NONE),
        ask="Grade 4 is a hypertensive crisis.",
    ),
    GradeRow(
        "Hypertension, diastolic",
        (V4, V5, V6),
        True,
        "mmHg",
        (_from("80"), _from("90"), _from("100"), NONE),
        ask="Grade 4 is a hypertensive crisis.",
    ),
)

#: Names by which versions and laboratories call the same term.
SYNONYMS: Mapping[str, str] = {
    "alt": "Alanine aminotransferase increased",
    "sgpt": "Alanine aminotransferase increased",
    "ast": "Aspartate aminotransferase increased",
    "sgot": "Aspartate aminotransferase increased",
    "alkaline phosphatase": "Alkaline phosphatase increased",
    "alp": "Alkaline phosphatase increased",
    "ggt": "GGT increased",
    "bilirubin": "Blood bilirubin increased",
    "creatinine": "Creatinine increased",
    "thrombocytopenia": "Platelet count decreased",
    "platelets": "Platelet count decreased",
    "neutrophils": "Neutrophil count decreased",
    "neutropenia": "Neutrophil count decreased",
    "leukocytes": "White blood cell decreased",
    "lymphopenia": "Lymphocyte count decreased",
    "hemoglobin": "Anemia",
    "hyperglycemia (fasting)": "Hyperglycemia",
    "anc": "Neutrophil count decreased",
    "neutrophils/granulocytes (anc/agc)": "Neutrophil count decreased",
    "wbc": "White blood cell decreased",
    "leukocytes (total wbc)": "White blood cell decreased",
    "bilirubin (hyperbilirubinemia)": "Blood bilirubin increased",
    "ldh increased": "Blood lactate dehydrogenase increased",
}

#: Which term a laboratory value can speak for, by direction.
TERM_FOR: Mapping[tuple[Analyte, str], str] = {
    (Analyte.ANC, "low"): "Neutrophil count decreased",
    (Analyte.WBC, "low"): "White blood cell decreased",
    (Analyte.LYMPH, "low"): "Lymphocyte count decreased",
    (Analyte.PLT, "low"): "Platelet count decreased",
    (Analyte.HB, "low"): "Anemia",
    (Analyte.ALT, "high"): "Alanine aminotransferase increased",
    (Analyte.AST, "high"): "Aspartate aminotransferase increased",
    (Analyte.ALP, "high"): "Alkaline phosphatase increased",
    (Analyte.GGT, "high"): "GGT increased",
    (Analyte.BILIRUBIN, "high"): "Blood bilirubin increased",
    (Analyte.CREATININE, "high"): "Creatinine increased",
    (Analyte.CALCIUM_CORRECTED, "high"): "Hypercalcemia",
    (Analyte.CALCIUM_CORRECTED, "low"): "Hypocalcemia",
    (Analyte.ALBUMIN, "low"): "Hypoalbuminemia",
    (Analyte.GLUCOSE_FASTING, "high"): "Hyperglycemia",
    (Analyte.GLUCOSE, "low"): "Hypoglycemia",
    (Analyte.POTASSIUM, "low"): "Hypokalemia",
    (Analyte.POTASSIUM, "high"): "Hyperkalemia",
    (Analyte.SODIUM, "low"): "Hyponatremia",
    (Analyte.SODIUM, "high"): "Hypernatremia",
    (Analyte.URATE, "high"): "Hyperuricemia",
    (Analyte.PHOSPHATE, "low"): "Hypophosphatemia",
    (Analyte.LDH, "high"): "Blood lactate dehydrogenase increased",
}
