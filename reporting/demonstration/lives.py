"""The subjects of the demonstration trial as data: where they are, when they began, how their disease went.

Days count back from the anchor (the day of the first load), so that today's work lists are alive. Every value is
invented, but for the seven patients of the abstract: their M-spike, hs-CRP and PCLI on study and at month 6 are
exactly the published ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

#: Serum M-spike in percent of baseline, from baseline on, by study month; the last one goes on.
STABLE = (100, 99, 97, 98, 101, 99, 98, 97, 99, 98, 100, 99, 97, 98, 99, 98, 97, 99, 98)
FALLING = (100, 99, 98, 97, 98, 96, 95, 90, 82, 74, 71, 70, 69, 68, 67, 66, 66, 65, 65)
FALLING_AFTER_6 = (100, 99, 97, 98, 99, 97, 96, 74, 73, 72, 72, 71, 72, 71, 72, 71, 72, 71, 72)
MINOR = (100, 95, 88, 80, 73, 70, 68, 66, 65, 64, 66, 65, 64, 65, 64, 65, 64, 65, 64)
PARTIAL = (100, 85, 70, 60, 48, 45, 42, 40, 39, 40, 39, 38, 39, 38, 39, 38, 39, 38, 39)
DEEP = (100, 70, 45, 25, 12, 9, 8, 7, 8, 7, 8, 7, 8, 7, 8, 7, 8, 7, 8)
LATE_MINOR = (100, 99, 97, 95, 90, 85, 72)
PROGRESSION_AT_3 = (100, 108, 118, 142, 120, 105, 95, 92, 90, 90)
PROGRESSION_AT_6 = (100, 103, 106, 110, 114, 118, 140, 115, 100, 95, 92, 90, 90)
PROGRESSION_AT_9 = (100, 95, 88, 80, 73, 70, 68, 70, 74, 104, 92, 84, 80, 78, 78)
PROGRESSION_TWICE = (100, 103, 106, 110, 114, 118, 140, 120, 110, 150, 160)
UNCONFIRMED_RISE = (100, 102, 101, 104, 138)


class Twist(StrEnum):
    """What happens to a subject besides visits, doses and decisions."""

    NO_FIRST_DOSE = "registered, first dose still to come"
    PROGRESSED_BEFORE_TREATMENT = "progressed before the first dose"
    LAST_VISIT_MISSED = "the last visit due was not entered"
    OPEN_QUERY = "an implausible value is asked about"
    ANSWERED_QUERY = "a query is answered and waits to be closed"
    NO_MONTH_6 = "the month-6 sample is missing"
    UNDECIDED = "the last proposal waits for the investigator"
    CORRECTED_AFTER_DECISION = "months 5 and 6 are corrected after the signed decision"
    SIGNATURE_BROKEN = "a value that a signature rests on is corrected"
    HELD_DOSES = "a week of doses was held"
    EXTENDS = "goes on beyond the planned phases"
    WITHDRAWS = "withdraws consent"
    LOST = "is lost to follow-up"
    DIES_OF_PROGRESSION = "dies of progression"
    DIES_OTHERWISE = "dies of another cause"
    TOXICITY = "ends treatment for toxicity"
    OWN_DECISION = "ends treatment by own decision"
    CONTACT_OVERDUE = "the last follow-up contact was not made"


@dataclass(frozen=True)
class Life:
    """One enrolled subject. `day1`: days before the anchor on which the first dose fell. `base`: M-spike, g/dL."""

    site: str
    day1: int
    base: str
    course: tuple[int, ...]
    twists: frozenset[Twist] = frozenset()
    published: int = 0
    leaves_after: int = 0

    def percent(self, month: int) -> int:
        """M-spike in percent of baseline at that study month."""
        return self.course[min(month, len(self.course) - 1)]


def _life(site: str, day1: int, base: str, course: tuple[int, ...], *twists: Twist, leaves_after: int = 0) -> Life:
    """`leaves_after`: study month after which the subject leaves, for the twists that end something."""
    return Life(site, day1, base, course, frozenset(twists), leaves_after=leaves_after)


def _published(site: str, day1: int, patient: int, base: str, *twists: Twist) -> Life:
    return Life(site, day1, base, STABLE, frozenset(twists), published=patient)


_T = Twist
LIVES: tuple[Life, ...] = (
    # The seven patients of the abstract: stable disease at month 6, low dose proposed; some signed, some waiting.
    _published("01", 196, 1, "2.5"),
    _published("01", 194, 2, "2.8"),
    _published("02", 193, 3, "2.9"),
    _published("01", 190, 4, "3.8", _T.UNDECIDED),
    _published("03", 189, 5, "2.7"),
    _published("02", 188, 6, "4.4", _T.UNDECIDED),
    _published("01", 187, 7, "3.1", _T.UNDECIDED),
    # Registered, before the first dose.
    _life("01", 0, "3.4", STABLE, _T.PROGRESSED_BEFORE_TREATMENT),
    _life("01", -4, "3.2", STABLE, _T.NO_FIRST_DOSE),
    _life("02", -6, "3.6", STABLE, _T.NO_FIRST_DOSE),
    # Induction.
    _life("01", 20, "3.3", STABLE),
    _life("02", 27, "3.4", STABLE),
    _life("01", 52, "3.5", STABLE),
    _life("01", 61, "3.2", STABLE),
    _life("01", 96, "3.6", STABLE),
    _life("03", 118, "3.2", STABLE),
    _life("02", 41, "3.9", STABLE),
    _life("01", 75, "3.1", STABLE, _T.OPEN_QUERY),
    _life("03", 72, "3.5", MINOR, _T.ANSWERED_QUERY),
    _life("01", 104, "3.7", MINOR, _T.LAST_VISIT_MISSED),
    _life("02", 131, "3.0", STABLE, _T.HELD_DOSES),
    _life("01", 136, "3.6", UNCONFIRMED_RISE),
    _life("01", 201, "3.4", STABLE, _T.NO_MONTH_6),
    _life("02", 188, "3.8", LATE_MINOR),
    # Anakinra alone, months 7 to 12.
    _life("03", 222, "3.4", MINOR),
    _life("01", 231, "4.0", MINOR),
    _life("02", 248, "3.6", PARTIAL),
    _life("01", 286, "4.2", DEEP),
    _life("03", 240, "3.3", MINOR, _T.OPEN_QUERY),
    _life("01", 226, "3.9", PARTIAL, _T.SIGNATURE_BROKEN),
    # Low-dose dexamethasone, months 7 to 12.
    _life("01", 228, "3.2", FALLING_AFTER_6, _T.CORRECTED_AFTER_DECISION),
    _life("03", 230, "3.1", STABLE, _T.LAST_VISIT_MISSED),
    _life("01", 216, "4.1", FALLING),
    # Low-dose dexamethasone, months 13 to 18.
    _life("02", 388, "3.7", FALLING),
    _life("02", 403, "3.3", FALLING),
    _life("01", 415, "3.8", FALLING, _T.HELD_DOSES),
    # High-dose dexamethasone.
    _life("01", 168, "3.1", PROGRESSION_AT_3),
    _life("02", 232, "3.4", PROGRESSION_AT_6),
    _life("03", 331, "4.0", PROGRESSION_AT_9),
    # Beyond the planned phases.
    _life("01", 396, "3.9", PARTIAL, _T.EXTENDS),
    _life("02", 633, "3.4", FALLING, _T.EXTENDS),
    # Follow-up.
    _life("01", 548, "3.7", MINOR),
    _life("02", 735, "3.5", STABLE, _T.TOXICITY, leaves_after=3),
    _life("01", 767, "3.3", STABLE, _T.OWN_DECISION, leaves_after=5),
    _life("03", 902, "3.6", STABLE, _T.TOXICITY, _T.CONTACT_OVERDUE, leaves_after=4),
    _life("01", 451, "3.2", PROGRESSION_AT_6),
    _life("02", 648, "3.4", PROGRESSION_TWICE),
    _life("01", 470, "3.8", STABLE, _T.TOXICITY, leaves_after=9),
    _life("02", 1103, "3.1", MINOR, _T.OWN_DECISION, leaves_after=5),
    # Over.
    _life("01", 2330, "3.5", STABLE, _T.OWN_DECISION, leaves_after=2),
    _life("02", 402, "3.6", STABLE, _T.WITHDRAWS, leaves_after=7),
    _life("01", 806, "3.3", STABLE, _T.TOXICITY, _T.LOST, leaves_after=3),
    _life("02", 843, "3.9", PROGRESSION_TWICE, _T.DIES_OF_PROGRESSION, leaves_after=8),
    _life("03", 556, "3.2", STABLE, _T.DIES_OTHERWISE, leaves_after=5),
    _life("01", 356, "3.4", PARTIAL),
)


@dataclass(frozen=True)
class Screening:
    """Somebody who was screened and not (yet) registered. `screened`: days before the anchor."""

    site: str
    screened: int
    stage: str
    criterion: str = ""


#: What keeps a subject out, by criterion; "started" has consent and nothing else, "sent" waits for the investigator.
SCREENINGS: tuple[Screening, ...] = (
    Screening("01", 910, "failed", "I08"),
    Screening("02", 402, "failed", "E04"),
    Screening("01", 215, "failed", "E07"),
    Screening("03", 160, "failed", "E05"),
    Screening("02", 66, "failed", "I09"),
    Screening("01", 2, "started"),
    Screening("02", 5, "answered"),
    Screening("01", 9, "sent"),
)
