"""The enrolment dashboard: groups of subjects by name, the flow through the trial, accrual and the sites."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from urllib.parse import urlencode

from django.urls import reverse

from dosing.vocabulary import PHASE_WORDS
from followup.models import Departure
from followup.vocabulary import END_REASON_WORDS, EndReason
from protocol.trial import TRIAL
from protocol.vocabulary import Phase
from reporting.selectors.enrolment import (
    BRANCHES,
    ENDED,
    IN_SCREENING,
    NO_BRANCH,
    ON,
    PROGRESSED,
    REGISTERED,
    SCREEN_FAILED,
    WAITING,
    Enrolment,
)
from reporting.small_cells import in_fives
from trialsite.charts import AccrualMonth, Chart, FlowBox, FlowStage, accrual, flow

Test = Callable[[Enrolment], bool]

LEFT_WORDS = {**{kind.value: kind.label for kind in Departure.Kind}, "COMPLETED": "Completed follow-up"}
NOT_TREATED_WORDS = {
    WAITING: "Waiting for the first dose",
    PROGRESSED: "Progressed before the first dose",
    **{kind.value: kind.label for kind in Departure.Kind},
}
CRITERION_WORDS = {criterion.id: criterion.words for criterion in TRIAL.criteria}


def _is(name: str, *values: str) -> Test:
    return lambda row: getattr(row, name) in values


def _branch(phase: str, treatment: str | None = None) -> Test:
    return lambda row: row.branch == phase and treatment in (None, row.treatment)


def _branch_groups() -> dict[str, tuple[str, Test]]:
    found: dict[str, tuple[str, Test]] = {}
    for phase in BRANCHES:
        name, words = f"branch-{phase.value.lower()}", PHASE_WORDS[phase]
        found[name] = (words, _branch(phase.value))
        found[f"{name}-on"] = (f"{words}: on treatment", _branch(phase.value, ON))
        found[f"{name}-ended"] = (f"{words}: treatment ended", _branch(phase.value, ENDED))
    return found


#: Every list behind a number: its name in addresses, its words and who is in it.
GROUPS: dict[str, tuple[str, Test]] = {
    "screened": ("Screened", lambda row: True),
    "in-screening": ("In screening", _is("outcome", IN_SCREENING)),
    "failed": ("Screen failures", _is("outcome", SCREEN_FAILED)),
    "failed-consent": (
        "Screen failures without a criterion",
        lambda row: row.outcome == SCREEN_FAILED and not row.failed_criteria,
    ),
    "registered": ("Registered", _is("outcome", REGISTERED)),
    "not-treated": ("Registered, not treated", lambda row: bool(row.not_treated)),
    "treated": ("Treated", lambda row: row.day1_on is not None),
    "on-treatment": ("On treatment", _is("treatment", ON)),
    "induction": ("In induction", _is("branch", Phase.INDUCTION.value)),
    "no-branch": ("Left before a branch", _is("branch", NO_BRANCH)),
    **_branch_groups(),
    "follow-up": ("In follow-up", _is("state", Phase.FOLLOW_UP.value)),
    "left": ("Left the study", lambda row: bool(row.left_study)),
}


def group(name: str) -> tuple[str, Test]:
    """Words and test of a list. KeyError for a name that no number leads to."""
    kind, _, rest = name.partition(":")
    if not rest:
        return GROUPS[name]
    if kind == "criterion":
        words = CRITERION_WORDS[rest]
        return f"Screen failures: {words}", lambda row: rest in row.failed_criteria.split(";")
    if kind == "end":
        return f"Treatment ended: {END_REASON_WORDS[EndReason(rest)]}", _is("end_reason", rest)
    return f"Left the study: {LEFT_WORDS[rest]}", _is("left_study", rest)


def list_url(name: str, site: str = "") -> str:
    return f"{reverse('enrolment_subjects')}?{urlencode({'group': name, **({'site': site} if site else {})})}"


def count(rows: Sequence[Enrolment], name: str) -> int:
    _, test = group(name)
    return sum(1 for row in rows if test(row))


@dataclass(frozen=True)
class Counted:
    """A number on the page, its words, and the list behind it."""

    label: str
    number: int
    url: str
    note: str = ""


@dataclass(frozen=True)
class SiteLine:
    site: str
    counts: tuple[Counted, ...]
    last_registered_on: date | None


def counted(rows: Sequence[Enrolment], name: str, note: str = "", site: str = "") -> Counted:
    return Counted(group(name)[0], count(rows, name), list_url(name, site), note)


def headline(rows: Sequence[Enrolment], *, with_plan: bool) -> list[Counted]:
    """The row of figures on top of the page. The plan is the whole trial's, so a site does not see it."""
    plan = f"of {TRIAL.config.accrual_subjects} planned" if with_plan else ""
    return [
        counted(rows, "screened", f"{count(rows, 'in-screening')} in screening"),
        counted(rows, "failed"),
        counted(rows, "registered", plan),
        counted(rows, "treated", f"{count(rows, 'not-treated')} not treated"),
        counted(rows, "on-treatment"),
        counted(rows, "follow-up", f"{count(rows, 'left')} left the study"),
    ]


SITE_COLUMNS = ("screened", "failed", "registered", "treated", "on-treatment", "follow-up", "left")


def site_lines(rows: Sequence[Enrolment]) -> list[SiteLine]:
    """One line per site with subjects, by code."""
    found = []
    for site in sorted({row.site for row in rows}):
        own = [row for row in rows if row.site == site]
        registered = [row.registered_on for row in own if row.registered_on]
        counts = tuple(counted(own, name, site=site) for name in SITE_COLUMNS)
        found.append(SiteLine(site, counts, max(registered, default=None)))
    return found


def registered_in_fives(rows: Sequence[Enrolment], sites: Sequence[str]) -> list[tuple[str, str]]:
    """Each of these sites, also one without subjects, and how many it has registered in full fives."""
    return [(site, in_fives(count([row for row in rows if row.site == site], "registered"))) for site in sites]


def failure_lines(rows: Sequence[Enrolment]) -> list[Counted]:
    """Criteria that were not met, most frequent first; a subject may fail several."""
    failed = Counter(one for row in rows for one in row.failed_criteria.split(";") if one)
    lines = [
        Counted(f"{one} {CRITERION_WORDS[one]}", number, list_url(f"criterion:{one}"))
        for one, number in sorted(failed.items(), key=lambda item: (-item[1], item[0]))
    ]
    consent = counted(rows, "failed-consent")
    return [*lines, consent] if consent.number else lines


def end_lines(rows: Sequence[Enrolment]) -> list[Counted]:
    """Why treatment ended, in the order of the form."""
    ended = Counter(row.end_reason for row in rows)
    return [
        Counted(END_REASON_WORDS[reason], ended[reason.value], list_url(f"end:{reason.value}"))
        for reason in EndReason
        if ended[reason.value]
    ]


def left_lines(rows: Sequence[Enrolment]) -> list[Counted]:
    left = Counter(row.left_study for row in rows)
    return [Counted(words, left[kind], list_url(f"left:{kind}")) for kind, words in LEFT_WORDS.items() if left[kind]]


# ---------------------------------------------------------------- drawings
def flow_chart(rows: Sequence[Enrolment]) -> Chart:
    """From screening to the branches; the parts of a box add up to it."""
    not_treated = Counter(row.not_treated for row in rows if row.not_treated)
    reasons = tuple(f"{words}: {not_treated[name]}" for name, words in NOT_TREATED_WORDS.items() if not_treated[name])
    stages = (
        FlowStage(_box(rows, "screened"), _aside(rows, "Not registered", "failed", "in-screening")),
        FlowStage(_box(rows, "registered"), FlowBox("Not treated", str(count(rows, "not-treated")), reasons)),
        FlowStage(_box(rows, "treated"), _aside(rows, "No branch", "induction", "no-branch")),
    )
    return flow(stages, [_branch_box(rows, phase) for phase in BRANCHES])


def _box(rows: Sequence[Enrolment], name: str) -> FlowBox:
    return FlowBox(group(name)[0], str(count(rows, name)))


def _aside(rows: Sequence[Enrolment], words: str, *names: str) -> FlowBox:
    """Who does not go on, and the groups that they are."""
    counts = {group(name)[0]: count(rows, name) for name in names}
    return FlowBox(words, str(sum(counts.values())), tuple(f"{part}: {number}" for part, number in counts.items()))


def _branch_box(rows: Sequence[Enrolment], phase: Phase) -> FlowBox:
    name = f"branch-{phase.value.lower()}"
    parts = f"On treatment: {count(rows, f'{name}-on')}", f"Ended: {count(rows, f'{name}-ended')}"
    return FlowBox(PHASE_WORDS[phase], str(count(rows, name)), parts)


def accrual_chart(rows: Sequence[Enrolment], until: date, opened_on: date | None) -> Chart | None:
    """Registered subjects by month up to today; beside them the plan from `opened_on` on, where it is to be drawn."""
    days = sorted(row.registered_on for row in rows if row.registered_on)
    if not days:
        return None
    months = _months(min(days[0], opened_on or days[0]), until)
    return accrual([_accrual_month(days, first, index, opened_on) for index, first in enumerate(months)])


def _months(first: date, last: date) -> list[date]:
    """First days of the months from one date to the other."""
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [date(number // 12, number % 12 + 1, 1) for number in numbers]


def _accrual_month(days: Sequence[date], first: date, index: int, opened_on: date | None) -> AccrualMonth:
    done = sum(1 for day in days if (day.year, day.month) <= (first.year, first.month))
    return AccrualMonth(f"{first:%b %y}", done, planned_after(index + 1) if opened_on else None)


def planned_after(months: int) -> Decimal:
    """Subjects that the plan has after so many months: evenly, and no more than the whole."""
    config = TRIAL.config
    even = Decimal(config.accrual_subjects * min(months, config.accrual_months)) / config.accrual_months
    return even.quantize(Decimal("0.1"), ROUND_HALF_UP)
