"""The investigator signs what caused an adverse event, or takes the own signature back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from safety import selectors, services
from safety.models import AdverseEvent
from safety.report_forms import CausalityForm
from safety.services.causality import STATEMENT
from safety.views.door import subject_for, who
from safety.views.events import row, signed_lines
from trialsite import clock
from trialsite.access import Duty, can
from trialsite.http import SignedInRequest
from trialsite.models import Signature, Subject
from trialsite.services.subjects import Refused
from trialsite.signing import ask_identity, prove, withdraw_form, withdrawn

UNPROCESSABLE = 422


@require_http_methods(["GET", "POST"])
def causality(request: SignedInRequest, key: str, number: int) -> HttpResponse:
    """What is signed, who signed it, and for an investigator the signature."""
    subject = subject_for(request, key, to_write=Duty.SIGN)
    event = get_object_or_404(AdverseEvent, subject=subject, number=number)
    if request.method != "POST":
        return _page(request, subject, event)
    if request.POST.get("action") == "withdraw":
        return _withdraw(request, subject, event)
    return _sign(request, subject, event)


def _page(request: SignedInRequest, subject: Subject, event: AdverseEvent, **forms: Any) -> HttpResponse:
    """`forms`: those that were refused, with what was typed."""
    standing = [one for one, ended in selectors.causality_signatures(event) if ended is None]
    if can(request.actor, Duty.SIGN, subject.site_id, clock.now()) and not event.in_error:
        own: dict[str, Any] = {"withdraw_form": withdraw_form(request, _own(request, standing))}
        if not standing:
            own["form"] = ask_identity(CausalityForm(initial={"version": event.version}), request)
        forms = {**own, **forms}
    context = {
        "subject": subject, "event": event, "row": row(event), "signatures": signed_lines(event),
        "statement": STATEMENT, "has_errors": request.method == "POST", **forms,
    }  # fmt: skip
    return render(request, "safety/causality.html", context, status=UNPROCESSABLE if context["has_errors"] else 200)


def _own(request: SignedInRequest, standing: list[Signature]) -> Signature | None:
    return next((one for one in standing if one.signer_id == request.user.pk), None)


def _sign(request: SignedInRequest, subject: Subject, event: AdverseEvent) -> HttpResponse:
    form = ask_identity(CausalityForm(request.POST), request)
    proof = prove(request, form, clock.now()) if form.is_valid() else None
    if proof is None:
        return _page(request, subject, event, form=form)
    try:
        services.sign_causality(
            **who(request, subject), proof=proof, number=event.number, version=form.cleaned_data["version"]
        )
    except Refused as refusal:
        form.add_error(None, str(refusal))
        # The next signature is over what is shown now.
        anew = request.POST.copy()
        anew["version"] = str(event.version)
        form.data = anew
        return _page(request, subject, event, form=form)
    messages.success(request, f"The causes of adverse event {event.number} were signed.")
    return redirect("adverse_event", subject.key, event.number)


def _withdraw(request: SignedInRequest, subject: Subject, event: AdverseEvent) -> HttpResponse:
    refused = withdrawn(
        request,
        lambda proof, signature_id, why: services.withdraw_causality(
            **who(request, subject), proof=proof, number=event.number, signature_id=signature_id, reason=why
        ),
    )
    if refused is not None:
        return _page(request, subject, event, withdraw_form=refused)
    messages.success(request, "Your signature is withdrawn. It stays listed, and the causes wait to be signed again.")
    return redirect("adverse_event_causality", subject.key, event.number)
