"""Which responses stand under an investigator's signature: read from exactly what was signed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import F
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce

from trialsite.models import Signature

#: Records whose signature covers a response: the response alone, or the decision that rests on it.
RECORDS = ("response", "phase_decision")


@dataclass(frozen=True)
class SignedResponse:
    """The newest sample that one standing signature covers, and who gave it."""

    subject_id: int
    on: date
    visit: str
    printed_name: str
    signed_at: datetime
    time_zone: str


def signed_responses(subject_ids: Iterable[int]) -> list[SignedResponse]:
    """Responses as computed under standing signatures, in the order in which they were signed; one query.

    A decision in which the investigator stated another response than the computed one signs that statement, not
    the computation: it is left out here. So is what was signed under another protocol version than the subject's own.
    """
    rows = (
        Signature.objects.filter(subject_id__in=list(subject_ids), record_type__in=RECORDS, events=None)
        .annotate(
            on=Coalesce(KT("content__shown__point__on"), KT("content__point__on")),
            visit=Coalesce(KT("content__shown__point__label"), KT("content__point__label")),
            stated=KT("content__decision__response"),
            computed=KT("content__shown__status"),
            version=Coalesce(KT("content__shown__protocol_version"), KT("content__protocol_version")),
        )
        .filter(version=F("subject__protocol_version"))
        .order_by("id")
        .values_list("subject_id", "on", "visit", "stated", "computed", "printed_name", "signed_at", "time_zone")
    )
    return [
        SignedResponse(subject_id, date.fromisoformat(on), (visit or "").split(" / ")[0], name, signed_at, zone)
        for subject_id, on, visit, stated, computed, name, signed_at, zone in rows
        if subject_id is not None and on and (stated is None or stated == computed)
    ]
