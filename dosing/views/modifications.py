"""Orders to hold, reduce or stop a drug: the list, the form, the end of an order."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from dosing.forms import EndOrderForm, OrderForm, WrongOrderForm
from dosing.selectors.doses import modifications
from dosing.selectors.suggestions import dose_suggestions
from dosing.services import modifications as services
from dosing.views.door import subject_for
from dosing.views.suggestions import proposed_order, suggestion_lines
from dosing.vocabulary import DRUG_WORDS
from labs.views.effects import Tried, save_at_once, save_once_shown
from protocol.trial import REDUCTION_STEPS
from protocol.vocabulary import TREATMENT_PHASES, DoseAction, Drug, Phase
from safety.models import AdverseEvent
from safety.vocabulary import ActionTaken
from trialsite import clock
from trialsite.access import Duty
from trialsite.days import in_words, tell_today
from trialsite.drafting import drafting, is_saved, typed_in_draft
from trialsite.http import SignedInRequest
from trialsite.lock_pages import may_change
from trialsite.models import Subject


@require_http_methods(["GET", "POST"])
def page(request: SignedInRequest, key: str) -> HttpResponse:
    subject = subject_for(request, key, to_write=Duty.RECORD_DOSE)
    if request.method != "POST":
        return _show(request, subject)
    action = ACTIONS.get(request.POST.get("action", ""))
    if action is None:
        raise Http404
    form, save, said = action
    return _saved(request, subject, form(request.POST), save, said)


def _show(request: SignedInRequest, subject: Subject, status: int = 200, **bound: Any) -> HttpResponse:
    may = may_change(request, Duty.RECORD_DOSE, subject)
    today = clock.today(subject.site.time_zone)
    suggested = dose_suggestions(subject, today)
    filled = proposed_order(suggested, request.GET.get("rule", "")) or _proposed(request, subject)
    unsaved = drafting(request, subject)
    form = OrderForm(initial={"starts_on": in_words(today), **typed_in_draft(unsaved), **filled})
    context: dict[str, Any] = {
        "subject": subject,
        "suggested": suggestion_lines(subject, suggested),
        "orders": [(DRUG_WORDS[Drug(one.drug)], one) for one in modifications(subject)],
        "may_record": may,
        "is_treated": subject.state in TREATMENT_PHASES,
        "steps": REDUCTION_STEPS.get(Phase(subject.state), ()),
        "today_words": in_words(today),
        "form": form,
        "drafting": unsaved,
        "has_errors": status != 200,
        **bound,
    }
    tell_today(context["form"], today)
    return render(request, "dosing/modifications.html", context, status=status)


def _proposed(request: SignedInRequest, subject: Subject) -> dict[str, str]:
    """What an adverse event says was done with a drug, as a proposal in the form; nobody has ordered it yet."""
    number, drug = request.GET.get("event", ""), request.GET.get("drug", "")
    if not (number.isascii() and number.isdigit()) or drug not in set(Drug):
        return {}
    event = AdverseEvent.objects.filter(subject=subject, number=int(number[:4]), in_error=False).first()
    action = ORDER_OF.get(getattr(event, f"action_{drug}", ""))
    if event is None or action is None:
        return {}
    why = f"Adverse event {event.number}: {event.term}, grade {event.grade}"
    # What was done with the drug began with the event, as far as its day is known; the person corrects it.
    began = max(event.started_latest, subject.day1_on) if subject.day1_on else event.started_latest
    return {
        "drug": drug,
        "order_action": action.value,
        "why": why,
        "starts_on": in_words(began),
        "event": str(event.number),
    }


def _saved(
    request: SignedInRequest, subject: Subject, form: forms.Form, save: Callable[..., object], said: str
) -> HttpResponse:
    tell_today(form, clock.today(subject.site.time_zone))
    tried = _tried(request, subject, form, save) if form.is_valid() else Tried()
    if tried.done:
        if isinstance(form, OrderForm):
            is_saved(request, subject)
        messages.success(request, said)
        return redirect("subject_modifications", key=subject.key)
    if isinstance(form, OrderForm):
        return _show(request, subject, 422, form=form)
    return _show(request, subject, 422, other_form=form, other=_number(form), foreseen=tried)


def _tried(request: SignedInRequest, subject: Subject, form: forms.Form, save: Callable[..., object]) -> Tried:
    """What an order that no longer counts changes is shown first."""
    who = {"by": request.actor, "at": clock.now(), "subject_id": subject.pk, "site_id": subject.site_id}
    act = partial(save, **who, **_arguments(form))
    takes_back = isinstance(form, WrongOrderForm)
    return save_once_shown(request, subject, form, act) if takes_back else save_at_once(form, act)


def _number(form: forms.Form) -> int | None:
    """The order whose form was sent, so that what was typed stands there again."""
    number = form.data.get("modification_id", "")
    return int(number) if number.isascii() and number.isdigit() else None


def _arguments(form: forms.Form) -> dict[str, Any]:
    if isinstance(form, OrderForm):
        return {"token": form.cleaned_data["token"], "order": form.order}
    return dict(form.cleaned_data)


#: What was done because of an adverse event -> the order that says so.
ORDER_OF = {
    ActionTaken.HELD.value: DoseAction.HOLD,
    ActionTaken.REDUCED.value: DoseAction.REDUCE,
    ActionTaken.STOPPED.value: DoseAction.STOP,
}

ACTIONS: dict[str, tuple[type[forms.Form], Callable[..., object], str]] = {
    "order": (OrderForm, services.modify_dose, "The order is recorded. The calendar stays as it is."),
    "end": (EndOrderForm, services.end_modification, "The order is ended. The drug is given as planned again."),
    "wrong": (WrongOrderForm, services.mark_modification_in_error, "The order is marked as entered in error."),
}
