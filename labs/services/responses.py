"""The derived response, appended whenever what it rests on has changed. Never edited."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from labs.models import ResponseAssessment
from labs.selectors import course_for, latest_response
from protocol.explain import to_json
from protocol.measurements import Course
from protocol.response import assess, fingerprint
from protocol.samples import RELEVANT
from trialsite.models import Subject
from trialsite.outbox import News, publish
from trialsite.selectors import protocol_of


def follow_change(subject: Subject, *, visit_code: str, at: datetime, caused_by: str) -> None:
    """What a change of results or findings causes: the response at once, all that rests on it by the worker.

    Before the first dose neither has anything to say, and the start of treatment is news of its own.
    """
    if subject.day1_on is None:
        return
    derive_response(subject, at=at, caused_by=caused_by)
    payload = {"visit": visit_code, "caused_by": caused_by}
    publish(kind=News.LABS_RECORDED, subject=subject, payload=payload, at=at)


def derive_response(subject: Subject, *, at: datetime, caused_by: str) -> ResponseAssessment | None:
    """Compute the response from everything recorded that bears on it, and append it if its inputs are new.

    Runs inside the caller's `writing`. Returns the newest assessment, new or not; None while there is no first
    dose, since before it nothing can be measured against anything. caused_by: the change in words.
    """
    if subject.day1_on is None:
        return latest_response(subject)
    return derive_response_from(course_for(subject, analytes=RELEVANT), subject, at=at, caused_by=caused_by)


def derive_response_from(course: Course, subject: Subject, *, at: datetime, caused_by: str) -> ResponseAssessment:
    """The same for a subject under treatment whose course was read already: with these or with all analytes."""
    course = replace(course, measurements=tuple(m for m in course.measurements if m.analyte in RELEVANT), decisions=())
    newest = latest_response(subject)
    trial = protocol_of(subject)
    mark = fingerprint(course, trial)
    if newest is not None and newest.fingerprint == mark:
        return newest
    history = assess(course, trial)
    latest = history.latest
    return ResponseAssessment.objects.create(
        subject=subject,
        site_id=subject.site_id,
        computed_at=at,
        caused_by=_shortened(caused_by),
        protocol_version=trial.version,
        criteria_version=trial.config.criteria_version.value,
        fingerprint=mark,
        inputs=_inputs(course),
        result=history.as_json(),
        confirmed=history.confirmed_status.value,
        latest_timepoint=latest.timepoint.value if latest else "",
        latest_on=latest.on if latest else None,
    )


def _shortened(words: str, longest: int = 200) -> str:
    return words if len(words) <= longest else f"{words[: longest - 1]}…"


def _inputs(course: Course) -> dict[str, Any]:
    """What the response rules read, as plain JSON types: results that bear on response, findings, events."""
    plain = cast("dict[str, Any]", to_json(course))
    return {**plain, "measurements": [_filled(row) for row in plain["measurements"]]}


def _filled(row: dict[str, Any]) -> dict[str, Any]:
    """Without the empty fields, which say nothing and would double the size."""
    return {name: value for name, value in row.items() if value not in (None, "")}
