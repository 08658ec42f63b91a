"""Whether an adverse event is expected of a drug: listed in the reference list in force on the day it began.

Lists are dated, because labels change. The terms are those marked in the clinical specification 4.3; the study owner
has not confirmed them yet. An event is expected up to the highest grade that its list gives the term. The source names
terms and no grades, so that every term of the present lists goes up to the highest grade of the list, 4; a grade that
the study owner states for a term is one entry in `grades`. Death is never listed, so a fatal event is unexpected.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from protocol.vocabulary import Drug


@dataclass(frozen=True)
class ReferenceList:
    """The expected terms of each drug from a day on.

    grades: highest expected grade by drug and term; a term that is not there goes up to `highest_grade`.
    """

    version: str
    in_force_from: date
    terms: Mapping[Drug, frozenset[str]]
    highest_grade: int = 4
    grades: Mapping[tuple[Drug, str], int] = field(default_factory=dict)
    is_confirmed: bool = False

    def highest_of(self, drug: Drug, term: str) -> int:
        """Never death, whatever is entered."""
        return min(self.grades.get((drug, term), self.highest_grade), 4)


@dataclass(frozen=True)
class Expectedness:
    """The answer with the list that it rests on."""

    is_expected: bool
    list_version: str
    words: str


_ANAKINRA = frozenset(
    {
        "Injection site reaction",
        "Upper respiratory infection",
        "Sinusitis",
        "Lung infection",
        "Skin infection",
        "Sepsis",
        "Headache",
        "Nausea",
        "Diarrhea",
        "Abdominal pain",
        "Arthralgia",
        "Flu like symptoms",
        "Neutrophil count decreased",
        "Allergic reaction",
        "Anaphylaxis",
        "Alanine aminotransferase increased",
        "Aspartate aminotransferase increased",
    }
)
_DEXAMETHASONE = frozenset(
    {
        "Insomnia",
        "Agitation",
        "Irritability",
        "Depression",
        "Mania",
        "Psychosis",
        "Hyperglycemia",
        "Hypokalemia",
        "Hypertension",
        "Edema limbs",
        "Weight gain",
        "Thromboembolic event",
        "Dyspepsia",
        "Gastritis",
        "Gastric ulcer",
        "Gastric hemorrhage",
        "Hiccups",
        "Generalized muscle weakness",
        "Avascular necrosis",
        "Osteoporosis",
        "Cataract",
        "Glaucoma",
        "Cushingoid",
        "Adrenal insufficiency",
        "Thrush",
        "Shingles",
        "Lung infection",
        "Skin infection",
        "Sepsis",
        "Lymphocyte count decreased",
    }
)

#: In order of date. The label of anakinra got a section on amyloidosis in October 2025.
LISTS: tuple[ReferenceList, ...] = (
    ReferenceList("2002-11", date(2002, 11, 1), {Drug.ANAKINRA: _ANAKINRA, Drug.DEXAMETHASONE: _DEXAMETHASONE}),
    ReferenceList(
        "2025-10",
        date(2025, 10, 1),
        {Drug.ANAKINRA: _ANAKINRA | {"Amyloidosis"}, Drug.DEXAMETHASONE: _DEXAMETHASONE},
    ),
)


def list_in_force(on: date, lists: Sequence[ReferenceList] = LISTS) -> ReferenceList:
    """The newest list that was in force on that day; before the first one, the first."""
    begun = [one for one in lists if one.in_force_from <= on]
    return begun[-1] if begun else lists[0]


def expectedness(term: str, grade: int, drug: Drug, on: date, lists: Sequence[ReferenceList] = LISTS) -> Expectedness:
    """Whether an event of that term and CTCAE grade, which began on that day, is expected of the drug."""
    found = list_in_force(on, lists)
    if term not in found.terms.get(drug, frozenset()):
        return Expectedness(False, found.version, f"{term} is not on the list of {drug.value} ({found.version}).")
    highest = found.highest_of(drug, term)
    if grade > highest:
        words = f"{term} is listed for {drug.value} up to grade {highest} ({found.version})."
        return Expectedness(False, found.version, words)
    return Expectedness(True, found.version, f"{term} is on the list of {drug.value} ({found.version}).")
