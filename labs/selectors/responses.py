"""Derived responses: the newest of one subject or of many."""

from __future__ import annotations

from collections.abc import Iterable

from labs.models import ResponseAssessment
from trialsite.models import Subject


def latest_response(subject: Subject) -> ResponseAssessment | None:
    """The newest derived response, None before anything was derived. Inputs and result are read when asked for."""
    return ResponseAssessment.objects.filter(subject=subject).order_by("-id").defer("inputs", "result").first()


def latest_responses(subject_ids: Iterable[int]) -> dict[int, ResponseAssessment]:
    """The newest derived response of each subject that has one, by subject; one query, without the inputs."""
    newest = (
        ResponseAssessment.objects.filter(subject_id__in=list(subject_ids))
        .order_by("subject_id", "-id")
        .distinct("subject_id")
        .defer("inputs", "result")
    )
    return {response.subject_id: response for response in newest}
