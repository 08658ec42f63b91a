"""Two protocol versions side by side, whom the newer one would judge otherwise, and its activation by signature."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from dosing import services
from dosing.forms import TokenForm
from dosing.selectors.versions import Effect, activation_content, effect_of, next_after, unconfirmed_in
from dosing.services.versions import bound_because, sentence
from dosing.views.trace import visit_words
from dosing.vocabulary import response_words
from protocol.compare import compare
from protocol.schema import Protocol
from protocol.versions import VERSIONS
from protocol.vocabulary import CriterionOutcome
from trialsite import clock
from trialsite.access import Duty, can, can_anywhere
from trialsite.http import SignedInRequest
from trialsite.models import Delegation, ProtocolActivation, Signature
from trialsite.people_selectors import untrained_staff
from trialsite.selectors import protocol_in_force
from trialsite.services.signatures import digest
from trialsite.services.subjects import Refused
from trialsite.signing import WithdrawForm, ask_identity, prove, withdraw_form, withdrawn

OUTCOMES = {
    CriterionOutcome.MET: "Eligible",
    CriterionOutcome.NOT_MET: "Not eligible",
    CriterionOutcome.INDETERMINATE: "Not decided",
    CriterionOutcome.NOT_APPLICABLE: "Not used",
}


class ActivationForm(TokenForm):
    """On what an activation rests; `shown` is the fingerprint of what was on the screen."""

    shown = forms.CharField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label="What it rests on",
        max_length=300,
        help_text="For example the approval of the ethics committee with its date.",
        error_messages={"required": "Say on what the activation rests."},
    )


@dataclass(frozen=True)
class Page:
    """The two versions; `draft`: the newer is the one that may be activated next against the present one."""

    old: Protocol
    new: Protocol
    present: Protocol
    now: datetime

    @property
    def is_draft(self) -> bool:
        return self.old == self.present and next_after(self.present) == self.new


@require_http_methods(["GET", "POST"])
def comparison(request: SignedInRequest) -> HttpResponse:
    """Row by row what differs between two versions, and for a draft what its activation would mean."""
    page = _page(request)
    if request.method != "POST":
        return _show(request, page)
    site_id = _site_of(request, page.now)
    if site_id is None:
        raise PermissionDenied(f"Your role does not include this: {Duty.ACTIVATE_PROTOCOL.value.lower()}.")
    act = _withdraw if request.POST.get("action") == "withdraw" else _activate
    return act(request, page, site_id)


def _page(request: SignedInRequest) -> Page:
    present = protocol_in_force()
    newest = next_after(present) or present
    new = _version(request, "to") or newest
    order = list(VERSIONS.values())
    before = order[max(order.index(new) - 1, 0)]
    old = _version(request, "from") or (present if new == newest and new != present else before)
    return Page(old, new, present, clock.now())


def _version(request: SignedInRequest, name: str) -> Protocol | None:
    """The version that the address names; 404 for one that is not declared."""
    wanted = request.GET.get(name, "")
    if wanted and wanted not in VERSIONS:
        raise Http404
    return VERSIONS.get(wanted)


def _site_of(request: SignedInRequest, now: datetime) -> int | None:
    """The site at which this person may activate a version, None if nowhere."""
    sites = sorted(request.actor.site_ids(now.date()))
    return next((site for site in sites if can(request.actor, Duty.ACTIVATE_PROTOCOL, site, now)), None)


def _show(
    request: SignedInRequest,
    page: Page,
    form: ActivationForm | None = None,
    problem: str = "",
    withdrawing: WithdrawForm | None = None,
) -> HttpResponse:
    sees = can_anywhere(request.actor, Duty.VIEW_SUBJECT, page.now)
    effect = effect_of(page.new, page.now) if sees and page.old != page.new else None
    missing = unconfirmed_in(page.new, page.present) if page.is_draft else ()
    activation = ProtocolActivation.objects.filter(version=page.new.version, withdrawn_at=None).first()
    may_sign = page.is_draft and _site_of(request, page.now) is not None
    context: dict[str, Any] = {
        "page": page,
        "versions": list(VERSIONS),
        "sections": compare(page.old, page.new),
        "effect": effect,
        "reclassified": _lines(effect) if effect else [],
        "rejudged": [(one, OUTCOMES[one.now], OUTCOMES[one.under]) for one in effect.rejudged] if effect else [],
        "elsewhere": effect is not None and effect.everywhere.screened > effect.screened,
        "missing": [(name, page.new.parameters[name].label) for name in missing],
        "activation": activation,
        "withdrawn": ProtocolActivation.objects.filter(version=page.new.version).exclude(withdrawn_at=None),
        "may_sign": may_sign,
        "problem": problem,
        "has_errors": bool(problem or withdrawing or (form and form.errors)),
        "sentence": sentence(page.new.version),
        "untrained": _untrained(request, page, may_sign=may_sign),
        "may_train": can_anywhere(request.actor, Duty.MANAGE_PEOPLE, page.now),
        **({"withdraw_form": withdrawing} if withdrawing else _withdrawal(request, activation, page)),
    }
    if may_sign and effect and not missing:
        context["form"] = form or _form(request, page, effect)
    return render(request, "dosing/versions.html", context, status=422 if context["has_errors"] else 200)


def _untrained(request: SignedInRequest, page: Page, *, may_sign: bool) -> list[Delegation]:
    """Whose work would stop with the activation, for those who sign it and those who record training."""
    concerned = may_sign or can_anywhere(request.actor, Duty.MANAGE_PEOPLE, page.now)
    return untrained_staff(page.new.version, page.now.date()) if page.is_draft and concerned else []


def _form(request: SignedInRequest, page: Page, effect: Effect) -> ActivationForm:
    shown = digest(activation_content(page.new, page.present, effect))
    return ask_identity(ActivationForm(initial={"shown": shown}), request)


def _lines(effect: Effect) -> list[dict[str, Any]]:
    """Who would be judged otherwise, in words."""
    return [
        {
            "key": one.subject.key,
            "number": one.subject.number,
            "version": one.subject.protocol_version,
            "code": one.code,
            "visit": visit_words(one.code),
            "more": one.visits - 1,
            "now": (response_words(one.now.timepoint.value), response_words(one.now.confirmed.value)),
            "under": (response_words(one.under.timepoint.value), response_words(one.under.confirmed.value)),
        }
        for one in effect.reclassified
    ]


def _withdrawal(request: SignedInRequest, activation: ProtocolActivation | None, page: Page) -> dict[str, Any]:
    """For who activated the version in force: the form that takes it back, or why there is none."""
    if activation is None or page.new != page.present:
        return {}
    own = Signature.objects.filter(pk=activation.signature_id, signer=request.user).first()
    words = bound_because(activation, page.now) if own else ""
    return {"bound_because": words} if words else {"withdraw_form": withdraw_form(request, own)}


def _withdraw(request: SignedInRequest, page: Page, site_id: int) -> HttpResponse:
    refused = withdrawn(
        request,
        lambda proof, _, why: services.withdraw_activation(
            by=request.actor, at=page.now, proof=proof, site_id=site_id, version=page.new.version, reason=why
        ),
    )
    if refused is not None:
        return _show(request, page, withdrawing=refused)
    messages.success(request, f"The activation of version {page.new.version} is withdrawn. It is a draft again.")
    return redirect("protocol_comparison")


def _activate(request: SignedInRequest, page: Page, site_id: int) -> HttpResponse:
    form = ask_identity(ActivationForm(request.POST), request)
    proof = prove(request, form, page.now) if form.is_valid() else None
    if proof is None:
        return _show(request, page, form)
    try:
        services.activate_protocol(
            by=request.actor,
            at=page.now,
            proof=proof,
            site_id=site_id,
            token=form.cleaned_data["token"],
            version=page.new.version,
            shown=form.cleaned_data["shown"],
            reason=form.cleaned_data["reason"],
        )
    except Refused as refusal:
        return _refused(request, _page(request), str(refusal))
    messages.success(request, f"Protocol version {page.new.version} is in force for whoever is screened from now on.")
    return redirect("protocol_version", version=page.new.version)


def _refused(request: SignedInRequest, page: Page, why: str) -> HttpResponse:
    """What is true now, with what was typed; the next signature covers what is shown now."""
    if not page.is_draft:
        return _show(request, page, problem=why)
    data = request.POST.copy()
    data["shown"] = digest(activation_content(page.new, page.present, effect_of(page.new, page.now)))
    form = ask_identity(ActivationForm(data), request)
    form.add_error(None, why)
    return _show(request, page, form, why)
