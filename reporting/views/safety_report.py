"""The form of one serious event or pregnancy as it goes to the sponsor: printed from what is recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from dosing.models import DoseRecord
from dosing.vocabulary import DRUG_WORDS, PHASE_WORDS
from protocol.explain import plain
from protocol.vocabulary import DoseStatus, Drug, Phase
from reporting.views.door import subject_for
from safety.models import AdverseEvent, ConcomitantMedication, SafetyReport
from safety.report_forms import told
from safety.selectors import causality_signatures
from safety.vocabulary import Seriousness
from trialsite import clock
from trialsite.access import Duty
from trialsite.days import in_words
from trialsite.http import SignedInRequest
from trialsite.models import Subject
from trialsite.partial_dates import in_words_as_known
from trialsite.selectors import state_periods
from trialsite.services.access import Access, note_access


@dataclass(frozen=True)
class DrugLine:
    """One drug around the event: doses taken up to its first day; cause, expectedness and action as recorded."""

    drug: str
    first: str
    last: str
    doses: int
    cause: str
    expected: str
    action: str


@require_GET
def sheet(request: SignedInRequest, key: str, number: int) -> HttpResponse:
    """Everything that the sponsor asks for on one page. Opening it is written into the access log."""
    subject, now = subject_for(request.actor, key), clock.now()
    found = get_object_or_404(
        SafetyReport.objects.select_related("event", "follows__event"), subject=subject, number=number
    )
    access = Access("Safety report, form", site=subject.site, subject=subject)
    note_access(by=request.actor, at=now, duty=Duty.VIEW_SUBJECT, access=access, request_id=request.request_id)
    event = found.about
    began = event.started_earliest if event else found.aware_at.date()
    context = {
        "subject": subject,
        "report": found,
        "event": event,
        "started": in_words_as_known(event.started) if event else "",
        "stopped": in_words_as_known(event.stopped) if event else "",
        "serious": [one.label for one in Seriousness if event and getattr(event, one.value)],
        "drugs": [_drug(subject, event, drug) for drug in Drug] if event else [],
        "phase": _phase(subject, began),
        "medications": _medications(subject, began),
        "told": told(found),
        "signatures": [one for one, ended in causality_signatures(event) if ended is None] if event else [],
        "printed_at": now,
    }
    return render(request, "reporting/safety_report.html", context)


def _drug(subject: Subject, event: AdverseEvent, drug: Drug) -> DrugLine:
    """A first day of which only a part is known is read as the first that it can have been."""
    taken = DoseRecord.objects.filter(
        subject=subject, drug=drug.value, superseded_at=None, status=DoseStatus.TAKEN.value,
        on__lte=event.started_earliest,
    )  # fmt: skip
    rows, name = list(taken.order_by("on")), drug.value.lower()
    expected = {True: "Expected", False: "Unexpected", None: "—"}[getattr(event, f"expected_of_{name}")]
    return DrugLine(
        DRUG_WORDS[drug],
        _dose(rows[0]) if rows else "None recorded",
        _dose(rows[-1]) if rows else "None recorded",
        len(rows),
        getattr(event, f"get_attribution_{name}_display")(),
        expected,
        getattr(event, f"get_action_{name}_display")(),
    )


def _dose(row: DoseRecord) -> str:
    return f"{in_words(row.on)}, {plain(row.given_mg)} mg"


def _phase(subject: Subject, on: date) -> str:
    begun = [one for one in state_periods(subject) if one.starts_on <= on]
    return PHASE_WORDS[Phase(begun[-1].state)] if begun else ""


def _medications(subject: Subject, on: date) -> list[ConcomitantMedication]:
    """What was taken on that day, or may have been: of a date known in part the reading counts that includes it."""
    standing = ConcomitantMedication.objects.filter(subject=subject, in_error=False, started_earliest__lte=on)
    return [one for one in standing if one.stopped_latest is None or one.stopped_latest >= on]
