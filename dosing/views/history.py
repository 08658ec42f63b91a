"""The history of responses and decisions of one subject."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dosing import selectors
from dosing.models import PhaseProposal
from dosing.views.door import subject_for
from dosing.views.trace import visit_words
from dosing.vocabulary import ACTIONABLE, PHASE_WORDS, PROPOSAL_WORDS, response_words
from labs.selectors import latest_response
from protocol.vocabulary import Phase, ProposalKind
from trialsite.access import Duty
from trialsite.http import SignedInRequest
from trialsite.models import Subject


@require_GET
def responses(request: SignedInRequest, key: str) -> HttpResponse:
    """Every time point, every proposal and what was decided; superseded ones are kept and struck."""
    subject = subject_for(request, key, to_write=Duty.SIGN)
    newest = latest_response(subject)
    context = {
        "subject": subject,
        "zone": subject.site.time_zone,
        "points": _points(subject, newest.result if newest else None),
        "computed_at": newest.computed_at if newest else None,
        "criteria": newest.criteria_version if newest else "",
        "proposals": _proposals(subject),
        "pending": _as_row(pending) if (pending := selectors.pending_proposal(subject)) else None,
        "discrepancies": [
            (found, found.decision.proposal.detail["code"]) for found in selectors.open_discrepancies([subject.pk])
        ],
    }
    return render(request, "dosing/responses.html", context)


def _points(subject: Subject, result: dict[str, Any] | None) -> list[dict[str, Any]]:
    points = [point for epoch in (result or {"epochs": []})["epochs"] for point in epoch["time_points"]]
    return [
        {
            "code": (code := point["label"].split(" / ")[0]),
            "visit": visit_words(code) if code else "Sample",
            "on": date.fromisoformat(point["on"]),
            "response": response_words(point["timepoint"]),
            "confirmed": response_words(point["confirmed"]),
            "epoch": point["epoch"],
        }
        for point in reversed(points)
    ]


def _proposals(subject: Subject) -> list[dict[str, Any]]:
    made = PhaseProposal.objects.filter(subject=subject).select_related("decision__signature").order_by("-id")
    broken = set(selectors.broken_decisions([subject.pk]).values_list("pk", flat=True))
    return [{**_as_row(one), "broken": _decision_of(one) in broken} for one in made]


def _decision_of(proposal: PhaseProposal) -> int | None:
    return proposal.decision.pk if hasattr(proposal, "decision") else None


def _as_row(proposal: PhaseProposal) -> dict[str, Any]:
    return {
        "proposal": proposal,
        "code": proposal.detail["code"],
        "visit": visit_words(proposal.detail["code"]),
        "words": PROPOSAL_WORDS[ProposalKind(proposal.kind)],
        "response": response_words(proposal.detail["status"]),
        "decision": proposal.decision if hasattr(proposal, "decision") else None,
        "decided_phase": PHASE_WORDS[Phase(proposal.decision.to_phase)] if hasattr(proposal, "decision") else "",
        "is_actionable": ProposalKind(proposal.kind) in ACTIONABLE,
    }
