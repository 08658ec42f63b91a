"""What the laboratory room derives of a subject, in words: for showing what a correction would change."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from labs.selectors.responses import latest_response
from labs.selectors.visits import visit_label
from protocol.vocabulary import Response
from protocol.words import RESPONSE_WORDS
from trialsite.foresight import Fact
from trialsite.models import Subject


def derived_facts(subject: Subject, at: datetime) -> list[Fact]:
    """The confirmed response, and that at every sample."""
    newest = latest_response(subject)
    if newest is None:
        return []
    points = [_at(epoch["number"], point) for epoch in newest.result["epochs"] for point in epoch["time_points"]]
    return [Fact("confirmed", "Confirmed response", RESPONSE_WORDS[Response(newest.confirmed)]), *points]


def _at(epoch: int, point: dict[str, Any]) -> Fact:
    where = " / ".join(visit_label(code) for code in point["label"].split(" / "))
    return Fact(
        f"response:{epoch}:{point['label']}", f"Response at {where}", RESPONSE_WORDS[Response(point["timepoint"])]
    )
