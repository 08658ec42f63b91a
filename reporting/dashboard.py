"""The efficacy dashboard: every number is a count of rows of one list, and leads to that list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlencode

from django.urls import reverse

from dosing.vocabulary import phase_in_words
from protocol.endpoints import CENSORED, EVENT, FAILURE, SUCCESS
from protocol.versions import ORIGINAL
from protocol.vocabulary import PARTIAL_OR_BETTER, RESPONDING, Phase
from reporting.selectors.efficacy import SIGNED, UNSIGNED, Efficacy
from reporting.selectors.markers import six_months
from reporting.statistics import Proportion, Survival, proportion
from reporting.time_endpoints import ENDPOINTS, FEWEST, LOST, MARKER_COLUMNS, SIX_MONTHS, has_fallen_by_15, times
from trialsite.charts import Bar, Chart, waterfall
from trialsite.templatetags.edc import change, mark_of, percent

POPULATIONS = {"signed": "Treated, with a signed response", "treated": "All treated subjects"}
Test = Callable[[Efficacy], bool]
PFS = ENDPOINTS["pfs"]


@dataclass(frozen=True)
class Counted:
    """A number on the page: what it counts in words, the count, and the list behind it."""

    label: str
    value: str
    note: str
    url: str


@dataclass(frozen=True)
class RateLine:
    """One line of the response table. Counts lead to their rows; shares come with the exact interval."""

    label: str
    n: int
    n_url: str
    mr: Proportion
    mr_url: str
    pr: Proportion
    pr_url: str


@dataclass(frozen=True)
class PhaseLine:
    phase: Phase
    words: str
    count: int
    url: str


def _is(name: str, *values: str) -> Test:
    return lambda row: getattr(row, name) in values


def in_population(population: str) -> Test:
    """Treated subjects, or those of them whose response is signed."""
    if population == "treated":
        return _is("is_treated", "YES")
    return lambda row: row.is_treated == "YES" and row.response_state == SIGNED


#: Responses in three readings: name, words, the column that holds it.
READINGS: tuple[tuple[str, str, str], ...] = (
    ("whole", "Whole treatment", "best_response"),
    ("alone", "Anakinra alone", "best_on_anakinra_alone"),
    ("combination", "Combination with dexamethasone", "best_on_combination"),
)
LEVELS = {"mr": RESPONDING, "pr": PARTIAL_OR_BETTER}


def group(name: str, population: str) -> tuple[str, Test]:
    """Words and test of a list behind a number. KeyError for a name that no number leads to."""
    if name in SIMPLE:
        return SIMPLE[name]
    if name.startswith("phase-"):
        phase = Phase(name.removeprefix("phase-").upper())
        return f"In the phase: {phase_in_words(phase)}", _is("state", phase.value)
    reading, _, level = name.partition("-")
    _, words, column = next(one for one in READINGS if one[0] == reading)
    inside = _judged(reading, column, population)
    if not level:
        return words, inside
    wanted = tuple(response.value for response in LEVELS[level])
    title = f"{words}: {level.upper()} or better"
    return title, lambda row: inside(row) and getattr(row, column) in wanted


def _judged(reading: str, column: str, population: str) -> Test:
    """Who is judged in a reading: those who began the combination, or only those with a signed sample under it."""
    inside = in_population(population)
    if reading != "combination":
        return inside
    needed = "combination_from" if population == "treated" else column
    return lambda row: inside(row) and bool(getattr(row, needed))


def _has_both(marker: str) -> Test:
    return lambda row: None not in (getattr(row, f"{marker}_baseline"), getattr(row, f"{marker}_month_6"))


def _fell(marker: str) -> Test:
    return lambda row: _has_both(marker)(row) and (getattr(row, f"{marker}_change") or 0) < 0


def _fell_by_15(marker: str) -> Test:
    return lambda row: _has_both(marker)(row) and has_fallen_by_15(row, marker)


SIMPLE: dict[str, tuple[str, Test]] = {
    "enrolled": ("Enrolled", lambda row: True),
    "treated": ("Treated", _is("is_treated", "YES")),
    "on-treatment": ("On treatment", _is("on_treatment", "YES")),
    "unsigned": ("With responses that nobody has signed", lambda row: _has_unsigned(row)),
    "waiting": ("Waiting for a signature", _is("waits_for_signature", "YES")),
    **{f"{one.name}-all": (one.words, _is(one.status, EVENT, CENSORED)) for one in ENDPOINTS.values()},
    **{f"{one.name}-events": (f"{one.words}: event", _is(one.status, EVENT)) for one in ENDPOINTS.values()},
    **{f"{one.name}-censored": (f"{one.words}: censored", _is(one.status, CENSORED)) for one in ENDPOINTS.values()},
    **{
        f"{which}-{one.name}": (f"{words}, {one.words}", _is(one.column, *outcomes))
        for one in SIX_MONTHS
        for which, words, outcomes in (
            ("free", "Progression-free at 6 months", (SUCCESS,)),
            ("due", "Whose month 6 has come", (SUCCESS, FAILURE, LOST)),
            ("known", one.known, (SUCCESS, FAILURE)),
        )
    },
    **{f"{name}-both": (f"{words} at baseline and at month 6", _has_both(name)) for words, name in MARKER_COLUMNS},
    **{f"{name}-fell": (f"{words} fell to month 6", _fell(name)) for words, name in MARKER_COLUMNS},
    **{f"{name}-fell-15": (f"{words} fell by more than 15%", _fell_by_15(name)) for words, name in MARKER_COLUMNS},
    "waterfall": ("With a best M-spike change", lambda row: row.best_m_spike_change is not None),
}


def _has_unsigned(row: Efficacy) -> bool:
    return row.is_treated == "YES" and (row.response_state == UNSIGNED or row.newer_unsigned == "YES")


def count(rows: Sequence[Efficacy], name: str, population: str) -> int:
    _, test = group(name, population)
    return sum(1 for row in rows if test(row))


def list_url(name: str, population: str) -> str:
    return f"{reverse('efficacy_subjects')}?{urlencode({'group': name, 'population': population})}"


def headline(rows: Sequence[Efficacy], population: str, curve: Survival | None) -> list[Counted]:
    """The row of figures on top of the page."""
    line = rate_lines(rows, population)[0]
    induction = count(rows, "phase-induction", population)
    return [
        _counted(rows, population, "enrolled", f"{count(rows, 'treated', population)} treated"),
        _counted(rows, population, "on-treatment", f"{induction} in induction"),
        _rate("MR or better", line.mr, line.mr_url),
        _rate("PR or better", line.pr, line.pr_url),
        _free_at_six_months(rows, population, curve),
        _counted(rows, population, "waiting", "treatment proposals"),
    ]


def _rate(label: str, share: Proportion, url: str) -> Counted:
    return Counted(label, percent(share.percent, 0), interval_words(share), url)


def _counted(rows: Sequence[Efficacy], population: str, name: str, note: str) -> Counted:
    return Counted(group(name, population)[0], str(count(rows, name, population)), note, list_url(name, population))


def _free_at_six_months(rows: Sequence[Efficacy], population: str, curve: Survival | None) -> Counted:
    url = list_url(f"{PFS.name}-all", population)
    if curve is None:
        return Counted("Progression-free at 6 months", "—", f"fewer than {FEWEST} subjects", url)
    milestone = six_month_days(rows)
    if max(days for days, _ in times(rows, PFS)) < milestone:
        return Counted("Progression-free at 6 months", "—", "nobody was followed that long", url)
    share, low, high = (value * 100 for value in curve.at(milestone))
    return Counted(
        "Progression-free at 6 months", percent(share, 0), f"95% CI {low:.0f} to {high:.0f}, Kaplan-Meier", url
    )


def six_month_days(rows: Sequence[Efficacy]) -> int:
    """Six months in days, as of the latest start: the calendar gives 181 to 184, the estimate asks for one figure."""
    started = [row.day1_on for row in rows if row.day1_on]
    return (six_months(max(started), ORIGINAL) - max(started)).days if started else 0


def interval_words(share: Proportion) -> str:
    if share.low is None or share.high is None:
        return "no subject to judge"
    return f"{share.x} of {share.n}, 95% CI {share.low:.1f} to {share.high:.1f}"


def rate_lines(rows: Sequence[Efficacy], population: str) -> list[RateLine]:
    return [_rate_line(rows, population, name, words) for name, words, _ in READINGS]


def _rate_line(rows: Sequence[Efficacy], population: str, name: str, words: str) -> RateLine:
    n, mr, pr = (count(rows, part, population) for part in (name, f"{name}-mr", f"{name}-pr"))
    return RateLine(
        label=words,
        n=n,
        n_url=list_url(name, population),
        mr=proportion(mr, n),
        mr_url=list_url(f"{name}-mr", population),
        pr=proportion(pr, n),
        pr_url=list_url(f"{name}-pr", population),
    )


def phase_lines(rows: Sequence[Efficacy], population: str) -> list[PhaseLine]:
    """Registered subjects by their present phase; phases without anybody are left out."""
    found = []
    for phase in Phase:
        name = f"phase-{phase.value.lower()}"
        number, url = count(rows, name, population), list_url(name, population)
        if number:
            found.append(PhaseLine(phase, phase_in_words(phase), number, url))
    return found


def bars(rows: Sequence[Efficacy]) -> list[Bar]:
    return [
        Bar(row.subject, row.best_m_spike_change, mark_of(row.last_treatment))
        for row in rows
        if row.best_m_spike_change is not None
    ]


def waterfall_chart(rows: Sequence[Efficacy]) -> Chart | None:
    """None below five subjects: the table alone is shown, and why."""
    found = bars(rows)
    return waterfall(found) if len(found) >= FEWEST else None


def bar_table(rows: Sequence[Efficacy]) -> list[tuple[str, str]]:
    found = sorted(bars(rows), key=lambda bar: (-Decimal(bar.change), bar.subject))
    return [(bar.subject, change(bar.change)) for bar in found]


def unsigned_words(rows: Sequence[Efficacy], population: str) -> str:
    """What is left out, in words."""
    number = count(rows, "unsigned", population)
    if not number:
        return "Every computed response is signed; nothing is left out."
    whose = "1 subject has a response" if number == 1 else f"{number} subjects have responses"
    left_out = f"{whose} that no investigator has signed yet; what is not signed is left out."
    if population == "signed":
        return left_out
    return f"{left_out} A treated subject without a signed response counts as one without a response."


def versions_words(rows: Sequence[Efficacy]) -> str:
    """By which criteria and protocol version the rows are judged; with how many subjects where there are several."""
    found = Counter((row.criteria_version, row.protocol_version) for row in rows)
    if not found:
        return ""
    parts = [
        f"{criteria}, protocol version {version}" + (f" ({number} subjects)" if len(found) > 1 else "")
        for (criteria, version), number in sorted(found.items())
    ]
    return f"Response criteria {'; '.join(parts)}."
