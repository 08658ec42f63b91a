"""Response and phase decision: read what it rests on, then sign, disagree, or ask the site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from dosing import selectors, services
from dosing.decision_forms import AgainForm, DecisionForm, ResolveForm, SigningForm
from dosing.models import PhaseProposal
from dosing.selectors.reviews import comparison
from dosing.services.decisions import DECISION_SENTENCE, RESPONSE_SENTENCE
from dosing.views.comparison import sides_of
from dosing.views.door import subject_for
from dosing.views.offer import can_decide, decision_form, offer_on
from dosing.views.response_page import Page, context_of, page_for
from dosing.views.trace import source_urls
from dosing.vocabulary import PHASE_WORDS, PROPOSAL_WORDS, response_words
from protocol.vocabulary import Phase, ProposalKind, Response
from trialsite import clock
from trialsite.access import Duty, can
from trialsite.http import SignedInRequest
from trialsite.models import Signature, Subject
from trialsite.services.signatures import digest
from trialsite.services.subjects import Refused, Stale
from trialsite.signing import ask_identity, prove, withdraw_form, withdrawn
from trialsite.templatetags.edc import day

F = TypeVar("F", bound=forms.Form)


@require_http_methods(["GET", "POST"])
def response(request: SignedInRequest, key: str, code: str) -> HttpResponse:
    """One response and the decision on it."""
    subject = subject_for(request, key, to_write=Duty.SIGN)
    page = _page(request, subject, code)
    action = ACTIONS.get(request.POST.get("action", "")) if request.method == "POST" else None
    if request.method == "POST" and action is None:
        raise Http404
    return action(request, page) if action else _show(request, page)


def _page(request: SignedInRequest, subject: Subject, code: str) -> Page:
    # A decision is made on the newest proposal, never on the one that an old address names.
    wanted = "" if request.POST.get("action") == "decide" else request.GET.get("proposal", "")
    today = clock.today(subject.site.time_zone)
    page = page_for(subject, code, today, int(wanted) if wanted.isdigit() else None)
    if page is None:
        raise Http404
    return page


def _may_sign(request: SignedInRequest, page: Page) -> bool:
    return can(request.actor, Duty.SIGN, page.subject.site_id, clock.now())


def _show(request: SignedInRequest, page: Page, status: int = 200, **forms: Any) -> HttpResponse:
    may_sign = _may_sign(request, page)
    own = _forms(request, page) if may_sign else {}
    context = {**context_of(page, may_sign=may_sign), **_around(page), **own, **forms}
    context["may_sign"] = may_sign
    context |= {} if "withdraw_form" in forms or not may_sign else _withdrawal(request, page)
    context["has_errors"] = status != 200
    return render(request, "dosing/response.html", context, status=status)


def _forms(request: SignedInRequest, page: Page) -> dict[str, Any]:
    """The forms that apply: at most one of decide, sign again, sign the response alone; and the discrepancy's.

    None while results wait to be evaluated.
    """
    if page.evaluating_since is not None:
        return {}
    judged = _judged(page)
    resolve = {"resolve_form": ResolveForm(initial=judged)} if judged else {}
    if page.decision is not None:
        again = _again_form(page)
        return {**resolve, "again_form": ask_identity(again, request)} if again else resolve
    if can_decide(page):
        return {"form": ask_identity(decision_form(page), request), **offer_on(page)}
    if page.content["point"] and not page.stands and not page.proposal:
        return {"response_form": ask_identity(SigningForm(initial={"shown": page.digest}), request)}
    return {}


def _judged(page: Page) -> dict[str, str]:
    """The discrepancy that waits to be judged and the digest of what is shown of it; empty without one."""
    if page.discrepancy is None or page.discrepancy.resolved_at is not None:
        return {}
    return {"discrepancy": str(page.discrepancy.pk), "shown": digest(comparison(page.discrepancy))}


def _again_form(page: Page, data: QueryDict | None = None) -> AgainForm | None:
    """The form to sign a decision again; None while a signature stands. It holds the digest of what is shown."""
    if page.decision is None or page.again is None:
        return None
    decided, signed = page.decision.response, page.decision.snapshot["shown"]["status"]
    kept = {"response": decided, "reason": page.decision.reason} if decided != signed else {}
    initial = {"shown": digest(page.again), **kept}
    return AgainForm(data, initial=initial, now=page.again["shown"]["status"], decided=decided)


def _withdrawal(request: SignedInRequest, page: Page) -> dict[str, Any]:
    """The form by which a signer takes back a signature that stands."""
    own = next((one for one in page.signatures if not one.broken_at and one.signer_id == request.user.pk), None)
    form = withdraw_form(request, Signature.objects.get(pk=own.pk)) if own else None
    return {"withdraw_form": form} if form else {}


def _around(page: Page) -> dict[str, Any]:
    """Signatures' sentences, links and the discrepancy, for every reader."""
    ends = page.kind in {ProposalKind.END_OF_PROTOCOL_THERAPY_DECISION, ProposalKind.OFF_TREATMENT_PD}
    key = page.subject.key
    around = {
        "decision_sentence": DECISION_SENTENCE,
        "response_sentence": RESPONSE_SENTENCE,
        "end_url": reverse("subject_end_of_treatment", kwargs={"key": key}),
        "ends_treatment": ends,
        "early": page.content.get("rule") == "T7",
        "confirmable_url": reverse("protocol_parameter", kwargs={"name": "high_dex_mg"}),
        "decided": _decided(page),
        "newest": _newest(page),
    }
    if page.discrepancy is not None:
        content = {"was": page.discrepancy.was, "now": page.discrepancy.now}
        around["discrepancy"] = page.discrepancy
        around["sides"] = sides_of(page.discrepancy, source_urls(page.subject, content))
    return around


def _decided(page: Page) -> dict[str, str] | None:
    if page.decision is None:
        return None
    decision = page.decision.snapshot["decision"]
    return {
        "choice": page.decision.get_choice_display(),
        "response": response_words(decision["response"]),
        "phase": PHASE_WORDS[Phase(decision["to_phase"])],
        "starts_on": day(page.decision.starts_on),
        "reason": decision["reason"],
        "proposed": PROPOSAL_WORDS[ProposalKind(page.decision.proposal.kind)],
    }


def _newest(page: Page) -> str:
    """Address of the newest computation, where an older one is shown."""
    if page.proposal is None or page.proposal.status != PhaseProposal.Status.SUPERSEDED:
        return ""
    pending = selectors.pending_proposal(page.subject)
    code = pending.detail["code"] if pending else page.code
    return reverse("subject_response", kwargs={"key": page.subject.key, "code": code})


# ---------------------------------------------------------------- what a post does


def _decide(request: SignedInRequest, page: Page) -> HttpResponse:
    form = ask_identity(decision_form(page, request.POST), request)
    if not form.is_valid():
        return _show(request, page, 422, form=form, **offer_on(page))
    said = ""
    try:
        said = (
            _ask(request, page, form) if form.cleaned_data["decision"] == form.NOT_YET else _sign(request, page, form)
        )
    except Stale as refusal:
        return _read_anew(request, _page(request, page.subject, page.code), refusal)
    except Refused as refusal:
        form = _refused(form, refusal)
    if not said:
        return _show(request, page, 422, form=form, **offer_on(page))
    messages.success(request, said)
    return redirect("subject_response", key=page.subject.key, code=page.code)


def _read_anew(request: SignedInRequest, page: Page, refusal: Stale) -> HttpResponse:
    """The page as it is now, with what was typed; without a form where there is nothing to decide here any more."""
    if page.proposal is None or not page.is_pending:
        taken = "This was decided meanwhile. Your answer is not saved; read the decision."
        messages.error(request, taken if page.decision else str(refusal))
        return redirect("subject_response", key=page.subject.key, code=page.code)
    now = {"proposal": str(page.proposal.pk), "shown": page.digest}
    form = _refused(ask_identity(decision_form(page, _with(request.POST, now)), request), refusal)
    return _show(request, page, 422, form=form, **offer_on(page))


def _with(typed: QueryDict, now: dict[str, str]) -> QueryDict:
    """What was typed, under the digest of what the page shows now: read anew, it can be signed."""
    data = typed.copy()
    for name, value in now.items():
        data[name] = value
    return data


def _refused(form: F, refusal: Refused) -> F:
    """The bound form with the sentence of the refusal above it."""
    form.add_error(None, str(refusal))
    return form


def _sign(request: SignedInRequest, page: Page, form: DecisionForm) -> str:
    proof, to = prove(request, form, clock.now()), form.phase
    if proof is None or to is None:
        return ""
    answered = form.cleaned_data
    disagrees = answered["decision"] == form.DISAGREE
    decision = services.sign_phase_decision(
        by=request.actor,
        at=clock.now(),
        proof=proof,
        subject_id=page.subject.pk,
        site_id=page.subject.site_id,
        token=answered["token"],
        proposal_id=answered["proposal"],
        shown=answered["shown"],
        verdict=services.Verdict(
            to_phase=to,
            starts_on=answered["starts_on"],
            response=Response(answered["response"]) if disagrees and answered["response"] else None,
            reason=answered["reason"] if disagrees else "",
        ),
    )
    return f"Signed. {PHASE_WORDS[Phase(decision.to_phase)]} starts on {day(decision.starts_on)}."


def _ask(request: SignedInRequest, page: Page, form: DecisionForm) -> str:
    services.ask_for_data(
        by=request.actor,
        at=clock.now(),
        subject_id=page.subject.pk,
        site_id=page.subject.site_id,
        token=form.cleaned_data["token"],
        proposal_id=form.cleaned_data["proposal"],
        text=form.cleaned_data["question"],
    )
    return "The site has your question as a query. The decision waits."


def _sign_again(request: SignedInRequest, page: Page) -> HttpResponse:
    again = _again_form(page, request.POST)
    if again is None or page.decision is None:
        messages.error(request, "A signature stands under this decision. There is nothing to sign again.")
        return redirect("subject_response", key=page.subject.key, code=page.code)
    form = ask_identity(again, request)
    proof = prove(request, form, clock.now()) if form.is_valid() else None
    if proof is None:
        return _show(request, page, 422, again_form=form)
    try:
        services.reaffirm_decision(
            by=request.actor,
            at=clock.now(),
            proof=proof,
            subject_id=page.subject.pk,
            site_id=page.subject.site_id,
            token=form.cleaned_data["token"],
            decision_id=page.decision.pk,
            shown=form.cleaned_data["shown"],
            response=Response(form.cleaned_data["response"]) if form.cleaned_data["response"] else None,
            reason=form.cleaned_data["reason"],
        )
    except Refused as refusal:
        page = _page(request, page.subject, page.code)
        now = {"shown": digest(page.again)} if isinstance(refusal, Stale) and page.again else {}
        fresh = _again_form(page, _with(request.POST, now))
        form = _refused(ask_identity(fresh, request) if fresh else form, refusal)
        return _show(request, page, 422, again_form=form)
    messages.success(request, "Signed again. The broken signature stays listed.")
    return redirect("subject_response", key=page.subject.key, code=page.code)


def _sign_response(request: SignedInRequest, page: Page) -> HttpResponse:
    form = ask_identity(SigningForm(request.POST), request)
    proof = prove(request, form, clock.now()) if form.is_valid() else None
    if proof is None:
        return _show(request, page, 422, response_form=form)
    try:
        services.sign_response(
            by=request.actor,
            at=clock.now(),
            proof=proof,
            subject_id=page.subject.pk,
            site_id=page.subject.site_id,
            token=form.cleaned_data["token"],
            code=page.code,
            shown=form.cleaned_data["shown"],
        )
    except Refused as refusal:
        page = _page(request, page.subject, page.code)
        now = {"shown": page.digest} if isinstance(refusal, Stale) else {}
        form = _refused(ask_identity(SigningForm(_with(request.POST, now)), request), refusal)
        return _show(request, page, 422, response_form=form)
    messages.success(request, "The response is signed.")
    return redirect("subject_response", key=page.subject.key, code=page.code)


def _withdraw(request: SignedInRequest, page: Page) -> HttpResponse:
    refused = withdrawn(
        request,
        lambda proof, signature_id, why: services.withdraw_signature(
            by=request.actor,
            at=clock.now(),
            proof=proof,
            subject_id=page.subject.pk,
            site_id=page.subject.site_id,
            signature_id=signature_id,
            reason=why,
        ),
    )
    if refused is not None:
        return _show(request, page, 422, withdraw_form=refused)
    messages.success(request, "Your signature is withdrawn. It stays listed, and nobody was moved.")
    return redirect("subject_response", key=page.subject.key, code=page.code)


def _resolve(request: SignedInRequest, page: Page) -> HttpResponse:
    form = ResolveForm(request.POST)
    if not form.is_valid():
        return _show(request, page, 422, resolve_form=form)
    try:
        services.resolve_discrepancy(
            by=request.actor,
            at=clock.now(),
            subject_id=page.subject.pk,
            site_id=page.subject.site_id,
            discrepancy_id=form.cleaned_data["discrepancy"],
            shown=form.cleaned_data["shown"],
            resolution=form.cleaned_data["resolution"],
        )
    except Refused as refusal:
        page = _page(request, page.subject, page.code)
        now = _judged(page) if isinstance(refusal, Stale) else {}
        form = _refused(ResolveForm(_with(request.POST, now)), refusal)
        return _show(request, page, 422, resolve_form=form)
    messages.success(request, "The discrepancy is resolved. Nothing was moved.")
    return redirect("subject_response", key=page.subject.key, code=page.code)


ACTIONS: dict[str, Callable[[SignedInRequest, Page], HttpResponse]] = {
    "decide": _decide,
    "sign_again": _sign_again,
    "sign_response": _sign_response,
    "withdraw": _withdraw,
    "resolve": _resolve,
}
