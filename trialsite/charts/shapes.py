"""What charts are given: points, spans, bars. Figures are Decimal or int; months on study are the x axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.safestring import SafeString

Figure = Decimal | int

#: Mark of a phase -> its shape. Colour never stands alone.
MARK_SHAPES = {
    "ind": "diamond",
    "cont": "dot",
    "ld": "square",
    "hd": "triangle",
    "scr": "dot",
    "fu": "dot",
    "off": "dot",
}
MARK_WORDS = {
    "ind": "Induction",
    "cont": "Anakinra, continued",
    "ld": "Anakinra + low-dose dex",
    "hd": "Anakinra + high-dose dex",
    "scr": "Screening",
    "fu": "Follow-up",
    "off": "Off study",
}


@dataclass(frozen=True)
class Chart:
    """One chart: a drawing for wide pages, one for 350 px, and its values as a table."""

    title: str
    wide: SafeString
    narrow: SafeString
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marks: bool = False


@dataclass(frozen=True)
class Point:
    """One result: month on study, value in the series' unit, the words of its hint, the phase's mark."""

    month: Figure
    value: Figure
    words: str = ""
    mark: str = "ind"


@dataclass(frozen=True)
class Series:
    """Results of one analyte in one unit, in order of time."""

    label: str
    unit: str
    points: Sequence[Point]


@dataclass(frozen=True)
class Line:
    """A level across the chart from the month `since` on. look: ax (solid), ref (dashed) or ref2 (dotted)."""

    value: Figure
    words: str
    look: str = "ref"
    since: Figure = 0


@dataclass(frozen=True)
class Span:
    """A phase from one month to another."""

    start: Figure
    end: Figure
    mark: str
    words: str = ""


@dataclass(frozen=True)
class Flag:
    """A moment on the course bar."""

    month: Figure
    words: str
    strong: bool = True


@dataclass(frozen=True)
class Bar:
    """Best change of one subject from baseline, in percent."""

    subject: str
    change: Figure
    mark: str


@dataclass(frozen=True)
class Step:
    """Kaplan-Meier: from this month on the estimate is `share` (0 to 1) with its limits."""

    month: Figure
    share: Figure
    low: Figure
    high: Figure


@dataclass(frozen=True)
class AtRisk:
    """Kaplan-Meier: subjects at risk, censored so far and with event so far."""

    month: int
    at_risk: int
    censored: int
    events: int


@dataclass(frozen=True)
class Lane:
    """One subject's course; events are (month, "response" or "progression")."""

    subject: str
    spans: Sequence[Span]
    events: Sequence[tuple[Figure, str]] = ()
    ongoing: bool = False


@dataclass(frozen=True)
class Trace:
    """One subject's change from baseline over time: (month, percent)."""

    subject: str
    mark: str
    points: Sequence[tuple[Figure, Figure]]


@dataclass(frozen=True)
class AccrualMonth:
    """Enrolled and planned subjects up to the end of a month; `planned` None where no plan holds."""

    label: str
    enrolled: int
    planned: Figure | None


@dataclass(frozen=True)
class EventLane:
    """One adverse event in months on study; `end` None while it lasts."""

    words: str
    grade: int
    start: Figure
    end: Figure | None
    is_serious: bool = False


@dataclass(frozen=True)
class GradeBar:
    """A group of subjects: how many have each worst grade, 1 to 5, of how many in all."""

    label: str
    counts: tuple[int, int, int, int, int]
    of: int


@dataclass(frozen=True)
class StripDay:
    """taken, missed, held, planned, to_record or none; `dex` marks a dexamethasone day."""

    state: str
    dex: bool = False


@dataclass(frozen=True)
class StripRow:
    """The days of one protocol month."""

    label: str
    days: Sequence[StripDay]
