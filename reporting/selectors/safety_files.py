"""The rows of the safety dashboard as files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields

from reporting.selectors.computed import Cell, Computed
from reporting.selectors.safety_watch import report_clocks, utc, waiting_grades
from reporting.selectors.toxicity import Tolerability, Toxicity, safety_set
from trialsite.exporting import Column

SUBJECT, SITE = Column("subject", "Subject number"), Column("site", "Site code")


def cells(row: Toxicity | Tolerability) -> list[Cell]:
    """The row as it stands in the file; the opaque address is not part of it."""
    return [getattr(row, one.name) for one in fields(row) if one.name != "key"]


def _events() -> Iterable[Sequence[Cell]]:
    return (cells(row) for row in safety_set().events)


TOXICITY = Computed(
    name="toxicity",
    title="Toxicity, one row per adverse event of a treated subject since the first dose: what the dashboard counts",
    columns=(
        SUBJECT,
        SITE,
        Column("event", "Number of the event, counted within the subject"),
        Column("term", "CTCAE term"),
        Column("ctcae_version", "CTCAE version of term and grade; versions are never pooled"),
        Column("grade", "Highest grade, 1 to 5"),
        Column("began_on", "First day that it can have begun, not before Day 1"),
        Column("phase", "Treatment phase on that day; FOLLOW_UP after the last dose"),
        Column("on_combination", "YES if that day is not before the first one with dexamethasone"),
        Column("related_to_anakinra", "YES if attribution is POSSIBLE or more"),
        Column("related_to_dexamethasone", "YES if attribution is POSSIBLE or more"),
        Column("action_anakinra", "NONE, HELD, REDUCED, STOPPED or NOT_GIVEN"),
        Column("action_dexamethasone", "NONE, HELD, REDUCED, STOPPED or NOT_GIVEN"),
        Column("is_serious", "YES if any criterion of ICH E2A is met"),
        Column("outcome", "RECOVERED, SEQUELAE, RECOVERING, NOT_RECOVERED, FATAL or UNKNOWN"),
    ),
    rows=_events,
)


def _subjects() -> Iterable[Sequence[Cell]]:
    return (cells(row) for row in safety_set().subjects)


TOLERABILITY = Computed(
    name="tolerability",
    title="Tolerability, one row per treated subject: drugs stopped for events, related severe events, dose intensity",
    columns=(
        SUBJECT,
        SITE,
        Column("day1_on", "Day 1"),
        Column("phases", "Treatment phases lived, separated by semicolons; FOLLOW_UP once they are over"),
        Column("combination_from", "First day with dexamethasone; empty without"),
        Column("end_reason", "Why protocol therapy ended; empty while it goes on"),
        Column("stopped_for_event", "YES if a drug was stopped for an event, or treatment for toxicity"),
        Column("severe_related", "YES with an event of grade 3 or higher that a drug possibly caused"),
        Column("stopped_on_combination", "The same from the first day with dexamethasone; empty without"),
        Column("severe_related_on_combination", "The same from the first day with dexamethasone; empty without"),
        Column("anakinra_actions", "HELD, REDUCED, STOPPED because of events, separated by semicolons"),
        Column("dexamethasone_actions", "HELD, REDUCED, STOPPED because of events, separated by semicolons"),
        Column("anakinra_intensity", "mg given of mg planned up to the last recorded day, percent with one decimal"),
        Column(
            "dexamethasone_intensity", "mg given of mg planned up to the last recorded day, percent with one decimal"
        ),
    ),
    rows=_subjects,
)


def _clocks() -> Iterable[Sequence[Cell]]:
    for one in report_clocks():
        clock = one.clock
        moments = (utc(clock.starts_at), utc(clock.due_at), utc(clock.stopped_at))
        yield one.subject, one.site, one.report, clock.name.value, *moments


REPORT_CLOCKS = Computed(
    name="report_clocks",
    title="Clocks of serious events and pregnancies: when each began, ends and was stopped",
    columns=(
        SUBJECT,
        SITE,
        Column("report", "Number of the report, counted within the subject"),
        Column("clock", "SPONSOR or AUTHORITY"),
        Column("starts_at", "When the clock began, UTC"),
        Column("due_at", "When it ends, UTC"),
        Column("stopped_at", "When who has to be told was told, UTC; empty while it runs"),
    ),
    rows=_clocks,
)


def _waiting() -> Iterable[Sequence[Cell]]:
    for one in waiting_grades():
        yield (
            one.subject, one.site, one.visit, one.collected_on, one.result, one.term, one.ctcae_version, one.grade,
            one.value.normalize(), one.unit,
        )  # fmt: skip


GRADES_WAITING = Computed(
    name="grades_waiting",
    title="Laboratory results whose grade waits for the judgement of an investigator",
    columns=(
        SUBJECT,
        SITE,
        Column("visit", "Visit it belongs to"),
        Column("collected_on", "Day of the sample, at the site"),
        Column("lab_result", "Number of the laboratory result"),
        Column("term", "CTCAE term that the result is graded for"),
        Column("ctcae_version", "CTCAE version of the grade"),
        Column("grade", "Grade that the number suggests; higher than at baseline"),
        Column("value", "The value as it is compared"),
        Column("unit", "Unit of that value"),
    ),
    rows=_waiting,
)

SAFETY_FILES = (TOXICITY, TOLERABILITY, REPORT_CLOCKS, GRADES_WAITING)
