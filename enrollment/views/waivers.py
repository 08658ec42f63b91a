"""The waiver of one criterion: asked for by the site, decided by an investigator's signature."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from enrollment import selectors, services
from enrollment.checklist import Checklist, checklist
from enrollment.forms import RulingForm, WaiverForm
from enrollment.models import Waiver
from enrollment.rows import shown_rows, source_links
from enrollment.services.eligibility import REGISTERED
from enrollment.services.waivers import RECORD, STATEMENT, own_request
from protocol.vocabulary import CriterionOutcome, Phase
from trialsite import clock
from trialsite.access import Duty, can, check_may
from trialsite.drafting import Drafting, drafting, is_saved, typed_in_draft
from trialsite.http import SignedInRequest
from trialsite.models import Signature, Subject
from trialsite.selectors import protocol_of, subject_by_key
from trialsite.services.subjects import Refused
from trialsite.signing import WithdrawForm, ask_identity, prove, signed_line, withdraw_form, withdrawn


@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def subject_waiver(request: SignedInRequest, key: str, criterion: str) -> HttpResponse:
    subject = subject_by_key(key)
    action = request.POST.get("action", "")
    duty = {"ask": Duty.ENTER_DATA, "decide": Duty.SIGN, "withdraw": Duty.SIGN}.get(action, Duty.ENTER_DATA)
    check_may(request.actor, duty if request.method == "POST" else Duty.VIEW_SUBJECT, subject.site_id, clock.now())
    if criterion not in {one.id for one in protocol_of(subject).criteria}:
        raise Http404
    if request.method != "POST":
        return _show(request, subject, criterion)
    if action not in _ACTIONS:
        raise Http404
    return _ACTIONS[action](request, subject, criterion)


#: What of the address belongs to the draft of a decision, which stands beside the request.
DECIDE = "form=decide"


def _ask(request: SignedInRequest, subject: Subject, criterion: str) -> HttpResponse:
    form = WaiverForm(request.POST)
    if form.is_valid():
        try:
            services.request_waiver(**_who(request, subject), criterion=criterion, **form.cleaned_data)
        except Refused as error:
            form.add_error(None, str(error))
        else:
            is_saved(request, subject)
            messages.success(request, "The waiver is asked for. The site's investigators are told by mail.")
            return _back(subject)
    return _show(request, subject, criterion, ask_form=form)


def _decide(request: SignedInRequest, subject: Subject, criterion: str) -> HttpResponse:
    form = ask_identity(RulingForm(request.POST), request)
    proof = prove(request, form, clock.now()) if form.is_valid() else None
    if proof is None:
        return _show(request, subject, criterion, ruling_form=form)
    given = form.cleaned_data
    waiver = next((one for one in selectors.waivers_of(subject) if one.pk == given["waiver"]), None)
    if waiver is None:
        raise Http404
    ruling = services.Ruling(Waiver.Decision(given["decision"]), given["reason"])
    try:
        services.decide_waiver(**_who(request, subject), proof=proof, waiver_id=waiver.pk, ruling=ruling)
    except Refused as error:
        form.add_error(None, str(error))
        return _show(request, subject, criterion, ruling_form=form)
    is_saved(request, subject, DECIDE)
    messages.success(request, f"The waiver of {criterion} is {ruling.decision.value} and signed.")
    return _back(subject)


def _withdraw(request: SignedInRequest, subject: Subject, criterion: str) -> HttpResponse:
    signed = {one.signature_id: one.pk for one in selectors.waivers_of(subject) if one.criterion == criterion}
    refused = withdrawn(
        request,
        lambda proof, signature_id, why: services.withdraw_waiver_decision(
            **_who(request, subject), proof=proof, waiver_id=signed.get(signature_id, 0), reason=why
        ),
    )
    if refused is not None:
        return _show(request, subject, criterion, withdrawing=refused)
    messages.success(request, f"The decision is withdrawn. It stays listed, and the waiver of {criterion} waits again.")
    return HttpResponseRedirect(reverse("subject_waiver", args=[subject.key, criterion]), status=303)


_ACTIONS = {"ask": _ask, "decide": _decide, "withdraw": _withdraw}


def _who(request: SignedInRequest, subject: Subject) -> dict[str, Any]:
    return {"by": request.actor, "at": clock.now(), "subject_id": subject.pk, "site_id": subject.site_id}


def _back(subject: Subject) -> HttpResponse:
    return HttpResponseRedirect(reverse("subject_eligibility", args=[subject.key]), status=303)


def _show(
    request: SignedInRequest,
    subject: Subject,
    criterion: str,
    *,
    ask_form: WaiverForm | None = None,
    ruling_form: RulingForm | None = None,
    withdrawing: WithdrawForm | None = None,
) -> HttpResponse:
    facts = selectors.facts_of(subject)
    now = checklist(facts, protocol_of(subject), clock.today(subject.site.time_zone))
    row = next(one for one in now.rows if one["criterion"] == criterion)
    asked = [one for one in facts.waivers if one.criterion == criterion]
    waiting = next((one for one in asked if not one.decision), None)
    bound = ask_form or ruling_form or withdrawing
    asking = drafting(request, subject)
    context = {
        "subject": subject,
        "row": shown_rows([row], source_links(facts))[0],
        "waivers": asked,
        "waiting": waiting,
        "ask_form": ask_form or _new_request(subject, row, now, waiting, asking),
        "drafting": asking,
        "statement": STATEMENT,
        "former": _former(asked),
        **_withdrawal(request, subject, asked, withdrawing),
        **_ruling(request, subject, waiting, ruling_form),
    }
    return render(request, "enrollment/waiver.html", context, status=422 if bound else 200)


def _former(asked: list[Waiver]) -> list[dict[str, object]]:
    """Signatures under decisions that were taken back."""
    keys, holding = [str(one.pk) for one in asked], [one.signature_id for one in asked if one.signature_id]
    given = Signature.objects.filter(record_type=RECORD, record_id__in=keys).exclude(pk__in=holding)
    return [signed_line(one) for one in given.prefetch_related("events").order_by("id")]


def _withdrawal(
    request: SignedInRequest, subject: Subject, asked: list[Waiver], refused: WithdrawForm | None
) -> dict[str, Any]:
    """The form by which the signer takes the newest decision back; after registration, why there is none."""
    form = refused or withdraw_form(request, asked[-1].signature if asked else None)
    if form is None or subject.state == Phase.SCREENING:
        return {"withdraw_form": form}
    return {"bound_because": REGISTERED} if subject.registered_on else {}


def _new_request(
    subject: Subject, row: dict[str, Any], now: Checklist, waiting: Waiver | None, asking: Drafting | None
) -> WaiverForm | None:
    """The box in which a waiver is asked for, where one can be."""
    may = asking is not None and subject.state == Phase.SCREENING
    unmet = row["outcome"] == CriterionOutcome.NOT_MET and row["criterion"] not in now.waived
    return WaiverForm(initial=typed_in_draft(asking)) if may and unmet and waiting is None else None


def _ruling(
    request: SignedInRequest, subject: Subject, waiting: Waiver | None, form: RulingForm | None
) -> dict[str, Any]:
    """The signature box, where this person can decide; why not, where it is the own request."""
    may = can(request.actor, Duty.SIGN, subject.site_id, clock.now()) and subject.state == Phase.SCREENING
    if waiting is None or not may:
        return {"ruling_form": form}
    if own_request(request.actor, clock.now(), waiting):
        return {"ruling_form": form, "own_request": True}
    unsaved = drafting(request, subject, DECIDE)
    initial = {**typed_in_draft(unsaved), "waiver": waiting.pk}
    return {"ruling_form": form or ask_identity(RulingForm(initial=initial), request), "ruling_draft": unsaved}
