"""The dataclasses in which rules of dose modification are written. `trial.py` holds the rows."""

from dataclasses import dataclass
from decimal import Decimal

from protocol.vocabulary import TREATMENT_PHASES, Advice, Analyte, Drug, Phase


@dataclass(frozen=True)
class LabBelow:
    """The newest result after the first dose lies below a limit, in the canonical unit."""

    analyte: Analyte
    limit: Decimal


@dataclass(frozen=True)
class EventOf:
    """An adverse event of one of these terms. `is_lasting`: until it has ended; `is_serious`: only serious ones."""

    terms: frozenset[str]
    from_grade: int = 1
    is_serious: bool = False
    is_lasting: bool = True


@dataclass(frozen=True)
class Intravenous:
    """A lasting event of one of these terms while a medication of the subject is given intravenously."""

    terms: frozenset[str]


@dataclass(frozen=True)
class Recovered:
    """The drug is held, the newest result since then is at the limit or above, and no other reason to hold stands."""

    analyte: Analyte
    limit: Decimal


@dataclass(frozen=True)
class Missed:
    """A dose was recorded as missed so many days ago, from and to."""

    days: tuple[int, int]


Trigger = LabBelow | EventOf | Intravenous | Recovered | Missed


@dataclass(frozen=True)
class DoseRule:
    """When a dose is thought over, and what is suggested (clinical specification 1.7). A person decides and records.

    `phases`: those whose regimen it belongs to. `steps`: doses in mg by which a drug is lowered, from high to low.
    """

    id: str
    drug: Drug
    advice: Advice
    words: str
    when: str
    trigger: Trigger
    source: str
    phases: tuple[Phase, ...] = TREATMENT_PHASES
    steps: tuple[int, ...] = ()
    confirmed: bool = False
