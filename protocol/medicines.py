"""Recorded medication as eligibility reads it (clinical specification 1.2, criteria E01 and E03).

Which drugs count, how they were given, and on which days. A drug is known by its name as typed: one that no table
knows counts for nothing here, which is why the checklist asks as well.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from protocol.explain import Truth, all_of
from protocol.vocabulary import Route

PROPOSED = "proposed, not confirmed by the study owner"

#: Kinds of records that criteria read: agents that may interact (E01), antibiotics (E03).
AGENT, ANTIBIOTIC = "recorded_agent", "recorded_antibiotic"


@dataclass(frozen=True)
class DrugTable:
    """Drugs that a criterion reads: their names and brand names, and parts of a name that say the class.

    stems: beginnings ("cef-") and endings ("-penem") of international non-proprietary names.
    """

    label: str
    source: str
    names: tuple[str, ...]
    stems: tuple[str, ...] = ()
    confirmed: bool = False

    def knows(self, name: str) -> bool:
        typed = name.lower()
        return any(re.search(rf"\b{re.escape(known)}\b", typed) for known in self.names) or any(
            re.search(rf"\b{stem[:-1]}\w+" if stem.endswith("-") else rf"\w{stem[1:]}\b", typed) for stem in self.stems
        )


#: Agents that may interact. The registry names three; the rest of their classes is proposed.
INTERACTING: tuple[DrugTable, ...] = (
    DrugTable(
        "etanercept, infliximab or thalidomide",
        "registry, exclusion criteria",
        ("etanercept", "enbrel", "erelzi", "eticovo", "infliximab", "remicade", "inflectra", "renflexis", "avsola",
         "thalidomide", "thalomid"),
        confirmed=True,
    ),
    DrugTable(
        "other TNF blocker",
        f"anakinra label; as a criterion {PROPOSED}",
        ("adalimumab", "humira", "certolizumab", "cimzia", "golimumab", "simponi"),
    ),
    DrugTable(
        "other IL-1 blocker",
        f"anakinra label; as a criterion {PROPOSED}",
        ("canakinumab", "ilaris", "rilonacept", "arcalyst"),
    ),
)  # fmt: skip

#: Antibacterials for systemic use. Given for whatever reason: the reason is free text, and no rule reads it.
ANTIBIOTICS = DrugTable(
    "antibiotic",
    f"WHO ATC J01 and the stems of international non-proprietary names; {PROPOSED}",
    ("antibiotic", "antibiotics", "aztreonam", "azactam", "vancomycin", "vancocin", "teicoplanin", "telavancin",
     "dalbavancin", "oritavancin", "gentamicin", "tobramycin", "amikacin", "streptomycin", "plazomicin", "azithromycin",
     "zithromax", "erythromycin", "clarithromycin", "clindamycin", "cleocin", "linezolid", "zyvox", "tedizolid",
     "daptomycin", "cubicin", "fosfomycin", "metronidazole", "flagyl", "sulfamethoxazole", "trimethoprim",
     "co-trimoxazole", "cotrimoxazole", "bactrim", "septra", "colistin", "polymyxin", "chloramphenicol", "rifampin",
     "rifampicin", "quinupristin", "synercid", "zosyn", "unasyn", "augmentin", "timentin", "rocephin", "ancef",
     "maxipime", "fortaz", "teflaro", "zinacef", "claforan", "merrem", "invanz", "primaxin", "cipro", "levaquin",
     "avelox", "tygacil", "vibramycin"),
    stems=("cef-", "ceph-", "-cillin", "-bactam", "-penem", "-oxacin", "-cycline"),
)  # fmt: skip

#: E03: 12 weeks before registration, the 84th day included.
INFECTION_DAYS = 84

_INTRAVENOUS = re.compile(r"\b(iv|i\.v\.?|intravenous(ly)?|infusions?)(?!\w)", re.IGNORECASE)


@dataclass(frozen=True)
class Days:
    """The first and the last day that a date can have been; the same where the day is known."""

    earliest: date
    latest: date


@dataclass(frozen=True)
class Recorded:
    """One recorded medication that stands. `ended` None while it is taken; `told`: name, route and dates in words."""

    name: str
    route: str
    began: Days
    ended: Days | None
    source: str
    told: str


def interacting(name: str) -> DrugTable | None:
    """The table of INTERACTING that knows the name as typed."""
    return next((one for one in INTERACTING if one.knows(name)), None)


def is_intravenous(name: str, route: str) -> Truth:
    """True by its route, or because its name says so; None where no route is stated or it is unknown."""
    if route == Route.INTRAVENOUS or _INTRAVENOUS.search(name):
        return True
    return None if route in ("", Route.UNKNOWN) else False


def was_taken(one: Recorded, first: date, last: date) -> Truth:
    """Whether it was taken on any day from `first` to `last`; None where an unknown day decides."""
    if one.began.earliest > last or (one.ended is not None and one.ended.latest < first):
        return False
    surely_begun = one.began.latest <= last
    surely_lasting = one.ended is None or one.ended.earliest >= first
    return True if surely_begun and surely_lasting else None


def kind_read(one: Recorded) -> str | None:
    """The kind of records that it is of; None for a medication that no criterion reads."""
    if interacting(one.name):
        return AGENT
    return ANTIBIOTIC if ANTIBIOTICS.knows(one.name) else None


def interacts(one: Recorded, on: date) -> Truth:
    """E01: an agent that may interact, taken on the day of registration. None where an unknown day decides.

    How long before that day it must have ended is the matter of E08, whose text is not known.
    """
    return was_taken(one, on, on)


def treated_infection(one: Recorded, on: date) -> Truth:
    """E03: an antibiotic given intravenously in the 12 weeks before registration. None where route or day decides."""
    return all_of((is_intravenous(one.name, one.route), was_taken(one, on - timedelta(days=INFECTION_DAYS), on)))


#: Kind -> whether a record of it counts against the subject, who would be registered on that day.
COUNTS: Mapping[str, Callable[[Recorded, date], Truth]] = {AGENT: interacts, ANTIBIOTIC: treated_infection}
