"""The first lines of every service here: the subject locked, at the site that was authorised, open for data."""

from __future__ import annotations

from datetime import date

from django.core.exceptions import PermissionDenied

from dosing import selectors
from trialsite.models import Subject
from trialsite.services.subjects import Stale, check_open_for_data, lock_subject

EVALUATING = "Results that arrived are being evaluated. Load the page again in a moment, read it, then sign."


def locked_subject(subject_id: int, site_id: int) -> Subject:
    """The subject, locked. PermissionDenied if it belongs to another site than the one authorised."""
    subject = lock_subject(subject_id)
    if subject.site_id != site_id:
        raise PermissionDenied("This subject belongs to another site.")
    check_open_for_data(subject)
    return subject


def check_evaluated(subject: Subject) -> None:
    """Stale while results wait for the machine: what it will say of them is on no screen yet."""
    if selectors.being_evaluated_since(subject) is not None:
        raise Stale(selectors.why_not_evaluated(subject) or EVALUATING)


def words(day: date) -> str:
    """12 Mar 2026"""
    return f"{day.day} {day:%b %Y}"
