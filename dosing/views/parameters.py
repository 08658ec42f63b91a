"""Confirm a protocol parameter by signature."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from dosing import services
from dosing.decision_forms import ParameterForm
from dosing.services.parameters import CONFIRMABLE, bound_because, sentence
from protocol.schema import Protocol
from protocol.versions import VERSIONS
from protocol.words import parameter_value
from trialsite import clock
from trialsite.access import Duty, can
from trialsite.http import SignedInRequest
from trialsite.models import ParameterConfirmation, Signature
from trialsite.selectors import confirmed_parameter, protocol_in_force
from trialsite.services.subjects import Refused
from trialsite.signing import WithdrawForm, ask_identity, prove, withdraw_form, withdrawn


@require_http_methods(["GET", "POST"])
def parameter(request: SignedInRequest, name: str) -> HttpResponse:
    """What is known of a parameter, who confirmed it when, and for investigators the form that does."""
    trial = _version(request)
    if name not in trial.parameters:
        raise Http404
    form = ask_identity(ParameterForm(initial={"value": trial.parameters[name].value}), request)
    if request.method != "POST":
        return _show(request, name, trial, form)
    if _site_of(request) is None:
        raise PermissionDenied(f"Your role does not include this: {Duty.CONFIRM_PARAMETER.value.lower()}.")
    if request.POST.get("action") == "withdraw":
        return _withdraw(request, name, trial, form)
    return _confirm(request, name, trial)


def _version(request: SignedInRequest) -> Protocol:
    """The version that the address names, else the one in force; 404 for one that is not declared."""
    wanted = request.GET.get("version")
    if wanted and wanted not in VERSIONS:
        raise Http404
    return VERSIONS[wanted] if wanted else protocol_in_force()


def _site_of(request: SignedInRequest) -> int | None:
    """The site at which this person may confirm a parameter, None if nowhere."""
    now = clock.now()
    sites = sorted(request.actor.site_ids(now.date()))
    return next((site for site in sites if can(request.actor, Duty.CONFIRM_PARAMETER, site, now)), None)


def _show(
    request: SignedInRequest,
    name: str,
    trial: Protocol,
    form: ParameterForm,
    status: int = 200,
    withdrawing: WithdrawForm | None = None,
) -> HttpResponse:
    given = ParameterConfirmation.objects.filter(name=name, protocol_version=trial.version).order_by("-id")
    context: dict[str, Any] = {
        "name": name,
        "parameter": trial.parameters[name],
        "default": parameter_value(trial.parameters[name]),
        "version": trial.version,
        "confirmations": list(given),
        "form": form if name in CONFIRMABLE and _site_of(request) is not None else None,
        "is_confirmable": name in CONFIRMABLE,
        "sentence": sentence(trial.version),
        "has_errors": status != 200,
        **_withdrawal(request, confirmed_parameter(name, trial.version), withdrawing),
    }
    return render(request, "dosing/parameter.html", context, status=status)


def _withdrawal(
    request: SignedInRequest, holds: ParameterConfirmation | None, refused: WithdrawForm | None
) -> dict[str, Any]:
    """For the signer of the confirmation that holds: the form that takes it back, or why there is none."""
    own = Signature.objects.filter(pk=holds.signature_id, signer=request.user).first() if holds else None
    words = bound_because(holds, clock.now()) if holds and own else ""
    if words and refused is None:
        return {"bound_because": words}
    return {"withdraw_form": refused or withdraw_form(request, own)}


def _withdraw(request: SignedInRequest, name: str, trial: Protocol, form: ParameterForm) -> HttpResponse:
    given = ParameterConfirmation.objects.filter(name=name, protocol_version=trial.version)
    refused = withdrawn(
        request,
        lambda proof, signature_id, why: services.withdraw_confirmation(
            by=request.actor,
            at=clock.now(),
            proof=proof,
            site_id=_site_of(request) or 0,
            confirmation_id=given.filter(signature_id=signature_id).values_list("pk", flat=True).first() or 0,
            reason=why,
        ),
    )
    if refused is not None:
        return _show(request, name, trial, form, 422, withdrawing=refused)
    messages.success(request, f"The confirmation of {trial.parameters[name].label.lower()} is withdrawn.")
    return redirect(f"{reverse('protocol_parameter', args=[name])}?version={trial.version}")


def _confirm(request: SignedInRequest, name: str, trial: Protocol) -> HttpResponse:
    now, site_id = clock.now(), _site_of(request) or 0
    form = ask_identity(ParameterForm(request.POST), request)
    proof = prove(request, form, now) if form.is_valid() else None
    if proof is None:
        return _show(request, name, trial, form, 422)
    try:
        services.confirm_parameter(
            by=request.actor,
            at=now,
            proof=proof,
            site_id=site_id,
            name=name,
            value=form.cleaned_data["value"],
            reason=form.cleaned_data["reason"],
            version=trial.version,
            token=form.cleaned_data["token"],
        )
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return _show(request, name, trial, form, 422)
    messages.success(request, f"{trial.parameters[name].label} is confirmed.")
    return redirect(f"{reverse('protocol_parameter', args=[name])}?version={trial.version}")
