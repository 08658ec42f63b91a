"""The eligibility checklist: answer, send, review, sign."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from enrollment import selectors, services
from enrollment.checklist import Change, changes_since, checklist
from enrollment.forms import ChecklistForm, SignForm
from enrollment.models import EligibilitySnapshot
from enrollment.rows import answered_rows, shown_rows, source_links
from enrollment.services.eligibility import RECORD, REGISTERED, statement
from enrollment.views.answering import Page, asking_form, checklist_form, page_of, posted_answers
from labs.services import SavedMeanwhile
from labs.views.effects import Tried, save_at_once, save_once_shown
from labs.views.together import conflict_of
from protocol.versions import named
from protocol.vocabulary import CriterionOutcome
from trialsite import clock
from trialsite.access import Duty, check_may
from trialsite.drafting import is_saved
from trialsite.http import SignedInRequest
from trialsite.models import Signature
from trialsite.segments import Segment
from trialsite.selectors import protocol_of, subject_by_key
from trialsite.services.subjects import Refused
from trialsite.signing import WithdrawForm, ask_identity, prove, signed_line, withdraw_form, withdrawn

UNANSWERED = "unanswered"


@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def subject_eligibility(request: SignedInRequest, key: str) -> HttpResponse:
    subject = subject_by_key(key)
    action = request.POST.get("action", "")
    check_may(request.actor, _duty(request.method, action), subject.site_id, clock.now())
    page = page_of(request, subject)
    if request.method != "POST":
        return _show(request, page)
    if action not in _ACTIONS:
        raise Http404
    return _ACTIONS[action](request, page)


def _duty(method: str | None, action: str) -> Duty:
    """Asked first, so that who may not write learns nothing from what a form would answer."""
    if method != "POST":
        return Duty.VIEW_SUBJECT
    return Duty.SIGN if action in {"sign", "withdraw"} else Duty.ENTER_DATA


def _show(
    request: SignedInRequest,
    page: Page,
    *,
    form: ChecklistForm | None = None,
    sign_form: SignForm | None = None,
    withdrawing: WithdrawForm | None = None,
    problem: str = "",
    foreseen: Tried | None = None,
    conflict: SavedMeanwhile | None = None,
) -> HttpResponse:
    edits = page.may_answer and (form is not None or page.frozen is None or "edit" in request.GET or _has_draft(page))
    links = source_links(page.facts)
    form = form or (checklist_form(page) if edits else None)
    rows = page.frozen.judgements["criteria"] if page.frozen and not edits else page.now.rows
    context = {
        "page": page,
        "subject": page.subject,
        "form": form,
        "rows": answered_rows(rows, links, form) if form else shown_rows(rows, links),
        "problem": problem,
        "foreseen": foreseen,
        "conflict": conflict_of(conflict, "checklist", "answer"),
        "drafting": page.unsaved,
        "has_errors": bool(problem or conflict),
        **_counts(rows),
        **_standing(page),
        **_signing(request, page, sign_form, edits=edits),
        **_withdrawal(request, page, withdrawing),
    }
    failed = problem or conflict or any(one is not None and one.errors for one in (form, sign_form, withdrawing))
    context |= _filter(request, context, nothing_hidden=bool(failed))
    return render(request, "enrollment/eligibility.html", context, status=409 if conflict else 422 if failed else 200)


def _filter(request: SignedInRequest, counts: dict[str, Any], *, nothing_hidden: bool) -> dict[str, Any]:
    """All criteria, or those that nothing decides yet. What is hidden stays in the form, so nothing typed is lost."""
    only_open = request.GET.get("show") == UNANSWERED and not nothing_hidden
    kept = "edit=1&" if "edit" in request.GET else ""
    return {
        "only_open": only_open,
        "segments": [
            Segment("All", f"?{kept}show=all", not only_open, len(counts["rows"])),
            Segment("Unanswered", f"?{kept}show={UNANSWERED}", only_open, len(counts["undecided"])),
        ],
    }


def _has_draft(page: Page) -> bool:
    return page.unsaved is not None and page.unsaved.draft is not None


def _counts(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How far the checklist is; criteria that this protocol version does not use are not counted."""
    by_outcome: dict[str, list[str]] = {}
    for row in rows:
        by_outcome.setdefault(row["outcome"], []).append(row["criterion"])
    waived = [row["criterion"] for row in rows if "waiver" in row]
    undecided = by_outcome.get(CriterionOutcome.INDETERMINATE, [])
    total = len(rows) - len(by_outcome.get(CriterionOutcome.NOT_APPLICABLE, []))
    return {
        "met": by_outcome.get(CriterionOutcome.MET, []),
        "not_met": [one for one in by_outcome.get(CriterionOutcome.NOT_MET, []) if one not in waived],
        "waived": waived,
        "undecided": undecided,
        "total": total,
        "decided": total - len(undecided),
    }


def _standing(page: Page) -> dict[str, Any]:
    """Where the subject is on the road to registration."""
    consent = page.facts.consent
    passed = (page.now.as_of - consent.consented_on).days if consent else None
    return {
        "consent": consent,
        "screening_day": passed,
        "screening_days": protocol_of(page.subject).config.screening_days,
        "snapshot": page.snapshot,
        "signature": signed_line(page.snapshot.signature) if page.snapshot and page.snapshot.signature else None,
        "former": _former(page.snapshot),
        "can_register": selectors.may_register(page.snapshot, page.now) and page.may_answer,
        "registration": selectors.registration_of(page.subject),
        "failure": selectors.failure_of(page.subject),
        "trial": protocol_of(page.subject),
        "waivers": page.facts.waivers,
        "differs": _differs(page),
    }


def _differs(page: Page) -> list[Change]:
    """After screening: what the frozen checklist would say otherwise with the data of today, for the same day."""
    if page.in_screening or page.snapshot is None:
        return []
    as_of = date.fromisoformat(page.snapshot.judgements["as_of"])
    now = checklist(page.facts, named(page.snapshot.protocol_version), as_of)
    return changes_since(page.snapshot.judgements["criteria"], now.rows)


def _former(snapshot: EligibilitySnapshot | None) -> list[dict[str, object]]:
    """Signatures that were given to this checklist and taken back."""
    if snapshot is None:
        return []
    given = Signature.objects.filter(record_type=RECORD, record_id=str(snapshot.pk)).exclude(
        pk=snapshot.signature_id or 0
    )
    return [signed_line(one) for one in given.prefetch_related("events").order_by("id")]


def _signing(request: SignedInRequest, page: Page, sign_form: SignForm | None, *, edits: bool) -> dict[str, Any]:
    """The signature box, where there is something that this person can sign."""
    waits = page.frozen is not None and page.frozen.signature_id is None and page.now.is_clear
    if not (waits and page.may_sign) or edits or page.frozen is None:
        return {}
    new = ask_identity(SignForm(initial={"snapshot": page.frozen.pk}), request)
    return {"sign_form": sign_form or new, "statement": statement(page.frozen)}


def _withdrawal(request: SignedInRequest, page: Page, refused: WithdrawForm | None) -> dict[str, Any]:
    """The form by which the signer takes the signature back; once the subject is registered, why there is none."""
    signature = page.snapshot.signature if page.snapshot else None
    form = refused or withdraw_form(request, signature)
    if form is None or page.may_sign:
        return {"withdraw_form": form}
    return {"bound_because": REGISTERED} if page.subject.registered_on else {}


def _save(request: SignedInRequest, page: Page) -> HttpResponse:
    refused = _record(request, page)
    if refused is not None:
        return refused
    messages.success(request, "The answers were saved.")
    return _back(page)


def _record(request: SignedInRequest, page: Page) -> HttpResponse | None:
    """Save the answers; once somebody has signed, what a changed one does to that is shown first. None if saved."""
    form = checklist_form(page, posted_answers(request, page))
    if not form.is_valid():
        return _show(request, page, form=form)
    act = partial(
        services.record_screening_answers,
        by=request.actor,
        at=clock.now(),
        subject_id=page.subject.pk,
        site_id=page.subject.site_id,
        answers=form.answers(),
        seen=form.cleaned_data["seen"],
        reason=form.cleaned_data["reason"],
    )
    try:
        tried = save_once_shown(request, page.subject, form, act) if page.snapshot else save_at_once(form, act)
    except SavedMeanwhile as refusal:
        return _show(request, page, form=asking_form(request, page, refusal), conflict=refusal)
    if not tried.done:
        return _show(request, page, form=form, foreseen=tried)
    is_saved(request, page.subject)
    return None


def _send(request: SignedInRequest, page: Page) -> HttpResponse:
    """Save, then send. What was saved stays saved where it cannot be sent yet."""
    refused = _record(request, page)
    if refused is not None:
        return refused
    try:
        services.send_eligibility(
            by=request.actor, at=clock.now(), subject_id=page.subject.pk, site_id=page.subject.site_id
        )
    except Refused as error:
        return _show(request, page_of(request, page.subject), problem=f"The answers were saved. {error}")
    messages.success(request, "Sent. The site's investigators are told by mail.")
    return _back(page)


def _sign(request: SignedInRequest, page: Page) -> HttpResponse:
    form = ask_identity(SignForm(request.POST), request)
    proof = prove(request, form, clock.now()) if form.is_valid() else None
    if proof is None:
        return _show(request, page, sign_form=form)
    try:
        services.sign_eligibility(
            by=request.actor,
            at=clock.now(),
            proof=proof,
            subject_id=page.subject.pk,
            site_id=page.subject.site_id,
            snapshot_id=form.cleaned_data["snapshot"],
        )
    except Refused as error:
        return _show(request, page_of(request, page.subject), problem=str(error))
    messages.success(request, "Eligibility is signed. The subject can be registered.")
    return _back(page)


def _withdraw(request: SignedInRequest, page: Page) -> HttpResponse:
    refused = withdrawn(
        request,
        lambda proof, signature_id, why: services.withdraw_eligibility(
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
        return _show(request, page, withdrawing=refused)
    messages.success(request, "Your signature is withdrawn. It stays listed, and eligibility waits to be signed again.")
    return _back(page)


def _back(page: Page) -> HttpResponse:
    return HttpResponseRedirect(reverse("subject_eligibility", args=[page.subject.key]), status=303)


_ACTIONS = {"save": _save, "send": _send, "sign": _sign, "withdraw": _withdraw}
