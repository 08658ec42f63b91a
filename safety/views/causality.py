"""The investigator signs what caused an adverse event."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from safety import services
from safety.models import AdverseEvent
from safety.report_forms import CausalityForm
from safety.services.causality import STATEMENT
from safety.views.door import subject_for, who
from safety.views.events import row, signed_lines
from trialsite import clock
from trialsite.access import Duty, can
from trialsite.http import SignedInRequest
from trialsite.services.subjects import Refused
from trialsite.signing import ask_identity, prove

UNPROCESSABLE = 422


@require_http_methods(["GET", "POST"])
def causality(request: SignedInRequest, key: str, number: int) -> HttpResponse:
    """What is signed, who signed it, and for an investigator the signature."""
    subject = subject_for(request, key, to_write=Duty.SIGN)
    event = get_object_or_404(AdverseEvent, subject=subject, number=number)
    signatures = signed_lines(event)
    form = None
    may_sign = can(request.actor, Duty.SIGN, subject.site_id, clock.now()) and not event.in_error
    if may_sign and (request.method == "POST" or not any(one["broken_at"] is None for one in signatures)):
        data = request.POST if request.method == "POST" else None
        form = ask_identity(CausalityForm(data, initial={"version": event.version}), request)
    if request.method == "POST" and form is not None and form.is_valid():
        proof = prove(request, form, clock.now())
        if proof is not None:
            try:
                services.sign_causality(
                    **who(request, subject), proof=proof, number=number, version=form.cleaned_data["version"]
                )
                messages.success(request, f"The causes of adverse event {number} were signed.")
                return redirect("adverse_event", subject.key, number)
            except Refused as refusal:
                form.add_error(None, str(refusal))
                # The next signature is over what is shown now.
                anew = request.POST.copy()
                anew["version"] = str(event.version)
                form.data = anew
    is_refused = request.method == "POST"
    context = {
        "subject": subject, "event": event, "row": row(event), "signatures": signatures, "form": form,
        "statement": STATEMENT, "has_errors": is_refused,
    }  # fmt: skip
    return render(request, "safety/causality.html", context, status=UNPROCESSABLE if is_refused else 200)
