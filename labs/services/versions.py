"""A subject consents to a later version of the protocol: it judges from then on, and the response follows."""

from __future__ import annotations

from datetime import date, datetime

from labs.services.responses import derive_response
from trialsite.models import ProtocolPeriod, Subject
from trialsite.outbox import News, publish
from trialsite.services.subjects import adopt_protocol


def adopt_protocol_version(*, subject: Subject, version: str, on: date, why: str, at: datetime) -> ProtocolPeriod:
    """Put the subject on a later version, derive the response by it, and let the proposal be made anew.

    Runs inside the caller's `writing`, with the subject locked. What was signed before keeps its own version. Refused
    as `trialsite.services.subjects.adopt_protocol`.
    """
    period = adopt_protocol(subject=subject, version=version, on=on, why=why, at=at)
    derive_response(subject, at=at, caused_by=f"consent to protocol version {version}")
    publish(kind=News.PROTOCOL_ADOPTED, subject=subject, payload={"version": version}, at=at)
    return period
