"""Endpoints that are times, and the markers beside them: every number is a count of rows of the efficacy file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

from protocol.endpoints import EVENT, FAILURE, SUCCESS, months
from reporting.selectors.efficacy import Efficacy
from reporting.statistics import Proportion, Survival, proportion, survival
from trialsite.charts import AtRisk, Chart, Step, kaplan_meier
from trialsite.templatetags.edc import change

DIVISOR = Decimal("30.4375")
#: Below this many subjects a chart says more about persons than about the treatment.
FEWEST = 5
#: Words, and what the columns of the efficacy file begin with.
MARKER_COLUMNS = (("hs-CRP", "hs_crp"), ("Labelling index (PCLI)", "pcli"))
HALF = Decimal("0.5")


@dataclass(frozen=True)
class Endpoint:
    """A time endpoint: its name in addresses, words, and short on a button; what the curve shows; its columns."""

    name: str
    words: str
    short: str
    curve: str
    since: str
    status: str
    days: str


ENDPOINTS: dict[str, Endpoint] = {
    one.name: one
    for one in (
        Endpoint(
            "pfs", "Progression-free survival", "Progression-free", "Progression-free", "first dose",
            "pfs_status", "pfs_days",
        ),
        Endpoint(
            "ttp", "Time to progression", "To progression", "Without progression", "first dose",
            "ttp_status", "ttp_days",
        ),
        Endpoint(
            "ttp-active", "Time to active myeloma", "To active myeloma", "Without active myeloma", "first dose",
            "ttp_active_status", "ttp_active_days",
        ),
        Endpoint(
            "dor", "Duration of response, PR or better", "PR or better", "Still responding", "first PR or better",
            "dor_status", "dor_days",
        ),
        Endpoint(
            "dor-minimal", "Duration of response, MR or better", "MR or better", "Still responding",
            "first MR or better", "dor_minimal_status", "dor_minimal_days",
        ),
        Endpoint(
            "benefit", "Duration of stable disease or better", "SD or better", "Stable or better", "first dose",
            "benefit_status", "benefit_days",
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class SixMonths:
    """A reading of progression-free at six months: name in addresses, words, the column, and who is known."""

    name: str
    words: str
    column: str
    known: str


SIX_MONTHS = (
    SixMonths("date", "by date", "pfs_at_6_months", "Followed to month 6"),
    SixMonths("assessment", "by the month-6 assessment", "pfs_by_month_6_assessment", "Assessed in the window"),
)
LOST = "LOST"


@dataclass(frozen=True)
class SixMonthLine:
    """One line of the table. `judged`, `free`: the list of each."""

    words: str
    of: str
    share: Proportion
    judged: str
    free: str


@dataclass(frozen=True)
class EndpointLine:
    """One line of the table. `median`: months with its 95 % interval, in words."""

    endpoint: Endpoint
    n: int
    events: int
    median: str

    @property
    def censored(self) -> int:
        return self.n - self.events


@dataclass(frozen=True)
class MarkerLine:
    """How a marker moved from baseline to month 6. `fell_by_15`: by more than 15 %, strictly."""

    words: str
    name: str
    n: int
    fell: int
    fell_by_15: int
    median_change: str
    undefined: int


def times(rows: Sequence[Efficacy], endpoint: Endpoint) -> list[tuple[int, str]]:
    """Days and status of each subject that has the endpoint."""
    found = ((getattr(row, endpoint.days), getattr(row, endpoint.status)) for row in rows)
    return [(days, status) for days, status in found if days is not None]


def curve_of(rows: Sequence[Efficacy], endpoint: Endpoint) -> Survival | None:
    """None below five subjects."""
    found = times(rows, endpoint)
    return survival(found) if len(found) >= FEWEST else None


def endpoint_lines(rows: Sequence[Efficacy]) -> list[EndpointLine]:
    return [_endpoint_line(rows, endpoint) for endpoint in ENDPOINTS.values()]


def _endpoint_line(rows: Sequence[Efficacy], endpoint: Endpoint) -> EndpointLine:
    found = times(rows, endpoint)
    events = sum(1 for _, status in found if status == EVENT)
    return EndpointLine(endpoint, len(found), events, _median_words(curve_of(rows, endpoint)))


def _median_words(curve: Survival | None) -> str:
    """Where the estimate and each limit of its band first reach one half (Brookmeyer and Crowley)."""
    if curve is None:
        return f"fewer than {FEWEST} subjects"
    middle, low, high = (_first_half(curve.days, line) for line in (curve.share, curve.low, curve.high))
    if middle is None:
        return "not reached" if low is None else f"not reached (95% CI from {low})"
    return f"{middle} (95% CI {low or middle} to {high or 'not reached'})"


def _first_half(days: Sequence[int], line: Sequence[Decimal]) -> Decimal | None:
    return next((month(day) for day, share in zip(days, line, strict=True) if share <= HALF), None)


def month(days: int) -> Decimal:
    """Days as months of 30.4375 days, one decimal."""
    return months(days, DIVISOR)


def survival_chart(rows: Sequence[Efficacy], endpoint: Endpoint) -> Chart | None:
    """None below five subjects."""
    curve = curve_of(rows, endpoint)
    if curve is None:
        return None
    found = times(rows, endpoint)
    drawn = zip(curve.days, curve.share, curve.low, curve.high, strict=True)
    steps = [Step(Decimal(0), Decimal(1), Decimal(1), Decimal(1))]
    steps += [Step(month(day), share, low, high) for day, share, low, high in drawn]
    censored = sorted(month(days) for days, status in found if status != EVENT)
    risk = [_at_risk(found, number) for number in range(0, 25, 3)]
    return kaplan_meier(steps=steps, censored=censored, risk=risk, label=endpoint.curve)


def _at_risk(found: Sequence[tuple[int, str]], number: int) -> AtRisk:
    """Still followed at that month, counted in days, and how many left before it, censored and by events."""
    before = [(days, status) for days, status in found if days < number * DIVISOR]
    events = sum(1 for _, status in before if status == EVENT)
    return AtRisk(number, len(found) - len(before), len(before) - events, events)


def free_at_six_months(rows: Sequence[Efficacy], reading: SixMonths) -> tuple[Proportion, Proportion]:
    """Of all whose month 6 has come, and of those of whom it is known."""
    outcomes = [getattr(row, reading.column) for row in rows]
    success, failure, lost = (outcomes.count(name) for name in (SUCCESS, FAILURE, LOST))
    return proportion(success, success + failure + lost), proportion(success, success + failure)


def marker_lines(rows: Sequence[Efficacy]) -> list[MarkerLine]:
    return [_marker_line(rows, words, name) for words, name in MARKER_COLUMNS]


def _marker_line(rows: Sequence[Efficacy], words: str, name: str) -> MarkerLine:
    both = [row for row in rows if None not in (getattr(row, f"{name}_baseline"), getattr(row, f"{name}_month_6"))]
    changes = [value for row in both if (value := getattr(row, f"{name}_change")) is not None]
    return MarkerLine(
        words,
        name,
        n=len(both),
        fell=sum(1 for value in changes if value < 0),
        fell_by_15=sum(1 for row in both if has_fallen_by_15(row, name)),
        median_change=change(median(changes)) if changes else "—",
        undefined=len(both) - len(changes),
    )


def has_fallen_by_15(row: Efficacy, name: str) -> bool:
    """By more than 15 % of baseline, on unrounded values; both values are there."""
    baseline: Decimal = getattr(row, f"{name}_baseline")
    month_6: Decimal = getattr(row, f"{name}_month_6")
    return (baseline - month_6) * 100 > 15 * baseline
