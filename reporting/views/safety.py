"""The safety dashboard, the rows behind its numbers, and the same rows as CSV."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from protocol.vocabulary import CtcaeVersion
from reporting import safety_watch, tolerability, toxicity
from reporting.safety_rows import Count, Line
from reporting.selectors.safety_files import SAFETY_FILES
from reporting.selectors.safety_watch import ReportClock, WaitingGrade, report_clocks, waiting_grades
from reporting.selectors.toxicity import SafetySet, safety_set
from reporting.toxicity import CAUSES, GROUPS, PHASES, Choice
from reporting.views.dashboards import dashboard_segments
from reporting.views.door import requires
from reporting.views.streamed import csv_of
from safety.vocabulary import CTCAE, TERMS
from trialsite import clock
from trialsite.access import Duty
from trialsite.http import SignedInRequest

PAGE = 100
FILES = {one.name: one for one in SAFETY_FILES}


@require_GET
@requires(Duty.VIEW_DASHBOARD)
def page(request: SignedInRequest) -> HttpResponse:
    found, clocks, waiting, now = safety_set(), report_clocks(), waiting_grades(), clock.now()
    choice = _choice(request)
    phases, causes, terms = (part(found, choice) for part in (toxicity.by_phase, toxicity.by_cause, toxicity.by_term))
    signs = tolerability.sign_lines(found.subjects)
    drugs = tolerability.drug_lines(found.subjects)
    headline = _headline(found, choice, clocks, waiting)
    states, waits = safety_watch.state_lines(clocks, now), safety_watch.waiting_lines(waiting)
    context = {
        "dashboards": dashboard_segments("safety"),
        "choice": choice,
        "versions": toxicity.versions(found, CTCAE.value),
        "causes": {name: words for name, (words, _) in CAUSES.items()},
        "phases": PHASES,
        "grades": toxicity.GRADES,
        "headline": headline,
        "tables": [
            ("ph", "Worst grade by phase", toxicity.bars(phases, "Subjects by worst grade and phase"),
             "Phase in which the event began", phases, toxicity.CAUSES[choice.cause][0]),
            ("ca", "Worst grade by cause", None, "Attribution", causes, PHASES[choice.phase]),
            ("te", "Worst grade by term", toxicity.bars(terms, "Subjects by worst grade and term"),
             "Term", terms, choice.words),
        ],
        "drawn": toxicity.DRAWN,
        "signs": signs,
        "drugs": drugs,
        "actions": [one.label for one in tolerability.ACTIONS],
        "clock_states": list(safety_watch.STATES.values()),
        "clock_lines": states,
        "open_clocks": safety_watch.clock_lines(safety_watch.clocks_in(clocks, "clocks-open", now), now),
        "waiting_grades": safety_watch.GRADES,
        "waiting": waits,
        "data_cut": now,
        "sites": sorted({one.site for one in found.subjects}),
    }  # fmt: skip
    return render(request, "reporting/safety.html", context)


def _choice(request: SignedInRequest) -> Choice:
    version, cause, phase = (request.GET.get(name, "") for name in ("version", "cause", "phase"))
    return Choice(
        version if version in set(CtcaeVersion) else CTCAE.value,
        cause if cause in CAUSES else "drug",
        phase if phase in PHASES else "",
    )


def _headline(
    found: SafetySet, choice: Choice, clocks: list[ReportClock], waiting: list[WaitingGrade]
) -> list[tuple[str, Count, str]]:
    """The row of figures on top: words, number, note."""
    line, now = toxicity.grade_line(found, choice, ""), clock.now()
    overdue = safety_watch.clock_count(clocks, "clocks-overdue", now).n
    treated = tolerability.counted(found.subjects, "whole")
    people = len({one.key for one in waiting})
    return [
        ("Treated subjects", treated, ""),
        ("With an event", line.any, CAUSES[choice.cause][0].lower()),
        ("Grade 3 or higher", line.severe, CAUSES[choice.cause][0].lower()),
        ("Stopped for toxicity", tolerability.counted(found.subjects, "whole-stopped"), "a drug, or all"),
        ("Report clocks running", safety_watch.clock_count(clocks, "clocks-open", now), f"{overdue} overdue"),
        ("Grades to judge", safety_watch.waiting_count(waiting), f"in {people} subject{'' if people == 1 else 's'}"),
    ]


@require_GET
@requires(Duty.VIEW_DASHBOARD)
def rows(request: SignedInRequest) -> HttpResponse:
    """The rows behind one number."""
    words, of, lines = _listed(request, request.GET.get("group", "whole"))
    context = {
        "words": words,
        "of": of,
        "number": len(lines),
        "page_obj": Paginator(lines, PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "reporting/safety_rows.html", context)


def _listed(request: SignedInRequest, group: str) -> tuple[str, str, list[Line]]:
    """Words of the list, of what it is, and its rows; 404 for one that no number leads to."""
    term, now = request.GET.get("term", ""), clock.now()
    if term and term not in TERMS:
        raise Http404(term)
    if group in GROUPS:
        choice = _choice(request)
        of = f"{term or 'Any term'}. {choice.words}"
        return GROUPS[group], of, toxicity.lines_of(safety_set(), choice, group, term)
    if group in tolerability.GROUPS:
        return tolerability.GROUPS[group][0], "", tolerability.lines_of(safety_set().subjects, group)
    if group in safety_watch.CLOCK_GROUPS:
        inside = safety_watch.clocks_in(report_clocks(), group, now)
        return safety_watch.CLOCK_GROUPS[group], "", safety_watch.clock_lines(inside, now)
    if group != "waiting":
        raise Http404(group)
    grade = request.GET.get("grade", "")
    of = ", ".join(filter(None, (term, f"grade {grade}" if grade else "")))
    return (
        "Laboratory grades to judge",
        of,
        safety_watch.grade_lines(safety_watch.waiting_in(waiting_grades(), term, grade)),
    )


@require_GET
@requires(Duty.VIEW_DASHBOARD)
def as_csv(request: SignedInRequest, name: str) -> HttpResponseBase:
    """Every row that a part of the dashboard counts. Logged like every export."""
    if name not in FILES:
        raise Http404(name)
    return csv_of(request, FILES[name])
