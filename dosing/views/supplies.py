"""Drug accountability: what a subject got and brought back, and the stock of a site."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from dosing.models import DrugMovement
from dosing.selectors import supplies as stock
from dosing.services import supplies as services
from dosing.supply_forms import DeliveryForm, DestroyForm, MovementForm, WrongForm, balances
from dosing.views.door import subject_for
from dosing.vocabulary import DRUG_WORDS
from protocol.vocabulary import Drug
from trialsite import clock
from trialsite.access import Duty, can, can_anywhere
from trialsite.days import in_words
from trialsite.http import SignedInRequest
from trialsite.models import Site, Subject
from trialsite.selectors import sites_in_reach
from trialsite.services.subjects import Refused

Kind = DrugMovement.Kind


def _unit_words(drug: Drug, units: int) -> str:
    return f"{units} {stock.UNIT_WORDS[drug][units != 1]}"


# ---------------------------------------------------------------- one subject


@dataclass(frozen=True)
class Desk:
    """One visit to a subject's page."""

    request: SignedInRequest
    subject: Subject
    today: date

    @property
    def who(self) -> dict[str, Any]:
        return {
            "by": self.request.actor,
            "at": clock.now(),
            "subject_id": self.subject.pk,
            "site_id": self.subject.site_id,
        }

    def dispense_form(self, data: Any = None) -> MovementForm:
        lines = [line for line in stock.lot_lines([self.subject.site_id]) if line.lot.expires_on >= self.today]
        return MovementForm(data, lots=balances(lines), today=self.today, initial=self._initial, auto_id="give_%s")

    def return_form(self, data: Any = None) -> MovementForm:
        moved = [one for one in stock.movements(self.subject) if one.in_error_at is None]
        lots = {one.lot_id: one.lot for one in moved}
        left = [
            (lot, sum(one.units * SIGN.get(one.kind, 0) for one in moved if one.lot_id == lot.pk))
            for lot in lots.values()
        ]
        return MovementForm(data, lots=left, today=self.today, initial=self._initial, auto_id="back_%s")

    @property
    def _initial(self) -> dict[str, str]:
        return {"on": in_words(self.today)}


SIGN: dict[str, int] = {Kind.DISPENSED: 1, Kind.RETURNED: -1}


@require_http_methods(["GET", "POST"])
def dispensing(request: SignedInRequest, key: str) -> HttpResponse:
    """What was handed out, what came back, and what the recorded doses amount to."""
    subject = subject_for(request, key, to_write=Duty.KEEP_SUPPLY)
    desk = Desk(request, subject, clock.today(subject.site.time_zone))
    if request.method != "POST":
        return _show(desk)
    action = ACTIONS.get(request.POST.get("action", ""))
    if action is None:
        raise Http404
    return action(desk)


def _show(desk: Desk, status: int = 200, **bound: Any) -> HttpResponse:
    may = can(desk.request.actor, Duty.KEEP_SUPPLY, desk.subject.site_id, clock.now())
    forms_ = {"give_form": desk.dispense_form(), "back_form": desk.return_form()} if may else {}
    context = {
        "subject": desk.subject,
        "may_keep": may,
        "movements": stock.movements(desk.subject),
        "uses": [(DRUG_WORDS[use.drug], stock.UNIT_WORDS[use.drug][1], use) for use in stock.uses(desk.subject)],
        "has_errors": status != 200,
        **forms_,
        **bound,
    }
    return render(desk.request, "dosing/dispensing.html", context, status=status)


def _give(desk: Desk) -> HttpResponse:
    form = desk.dispense_form(desk.request.POST)
    return _moved(desk, form, "give_form", services.dispense_drug, "dispensed")


def _take_back(desk: Desk) -> HttpResponse:
    form = desk.return_form(desk.request.POST)
    return _moved(desk, form, "back_form", services.take_back_drug, "taken back")


def _moved(desk: Desk, form: MovementForm, name: str, service: Callable[..., DrugMovement], words: str) -> HttpResponse:
    if form.is_valid():
        try:
            done = service(**desk.who, token=form.cleaned_data["token"], movement=form.movement)
            messages.success(desk.request, f"{_unit_words(Drug(done.lot.drug), done.units)} {words}.")
            return redirect("subject_dispensing", key=desk.subject.key)
        except Refused as refusal:
            form.add_error(None, str(refusal))
    return _show(desk, 422, **{name: form})


def _wrong(desk: Desk) -> HttpResponse:
    form = WrongForm(desk.request.POST)
    problem = _marked_wrong(desk.request, form, desk.subject.site_id)
    if problem:
        form.add_error(None, problem)
    if form.errors:
        return _show(desk, 422, wrong_form=form)
    return redirect("subject_dispensing", key=desk.subject.key)


def _marked_wrong(request: SignedInRequest, form: forms.Form, site_id: int) -> str:
    """Mark an entry as wrong; what keeps it from being so, empty if nothing does."""
    if not form.is_valid():
        return ""
    try:
        services.mark_movement_in_error(
            by=request.actor,
            at=clock.now(),
            site_id=site_id,
            movement_id=form.cleaned_data["movement"],
            reason=form.cleaned_data["reason"],
        )
    except Refused as refusal:
        return str(refusal)
    messages.success(request, "The entry is marked as entered in error. It stays listed.")
    return ""


ACTIONS: dict[str, Callable[[Desk], HttpResponse]] = {"give": _give, "back": _take_back, "wrong": _wrong}


# ---------------------------------------------------------------- the stock of a site


@require_http_methods(["GET", "POST"])
def supplies(request: SignedInRequest) -> HttpResponse:
    """Every lot with its balance, what happened last, and for site staff receiving and destroying."""
    now = clock.now()
    if not can_anywhere(request.actor, Duty.VIEW_SUBJECT, now):
        raise PermissionDenied(f"Your role does not include this: {Duty.VIEW_SUBJECT.value.lower()}.")
    own = [site for site in sites_in_reach(request.actor, now) if can(request.actor, Duty.KEEP_SUPPLY, site.pk, now)]
    if request.method != "POST":
        return _show_stock(request, own)
    if not own:
        raise PermissionDenied(f"Your role does not include this: {Duty.KEEP_SUPPLY.value.lower()}.")
    action = STOCK_ACTIONS.get(request.POST.get("action", ""))
    if action is None:
        raise Http404
    return action(request, own)


def _show_stock(request: SignedInRequest, own: list[Site], status: int = 200, **bound: Any) -> HttpResponse:
    sites = sites_in_reach(request.actor, clock.now())
    ids = [site.pk for site in sites]
    forms_ = {"receive_form": _delivery_form(own), "destroy_form": _destroy_form(own)} if own else {}
    lines = stock.lot_lines(ids)
    context = {
        "lines": [(DRUG_WORDS[Drug(line.lot.drug)], line, line.lot.expires_on < clock.today()) for line in lines],
        "movements": stock.site_movements(ids),
        "own_ids": [site.pk for site in own],
        "has_errors": status != 200,
        **forms_,
        **bound,
    }
    return render(request, "dosing/supplies.html", context, status=status)


def _today(own: list[Site]) -> date:
    return clock.today(own[0].time_zone)


def _delivery_form(own: list[Site], data: Any = None) -> DeliveryForm:
    today = _today(own)
    return DeliveryForm(
        data, sites=own, today=today, initial={"on": in_words(today), "unit_mg": "100"}, auto_id="in_%s"
    )


def _destroy_form(own: list[Site], data: Any = None) -> DestroyForm:
    lines = stock.lot_lines([site.pk for site in own])
    there = [(line.lot, line.balance.on_hand + line.balance.returned) for line in lines]
    today = _today(own)
    return DestroyForm(data, lots=there, today=today, initial={"on": in_words(today)}, auto_id="out_%s")


def _receive(request: SignedInRequest, own: list[Site]) -> HttpResponse:
    form = _delivery_form(own, request.POST)
    if form.is_valid():
        try:
            done = services.receive_drug(
                by=request.actor, at=clock.now(), token=form.cleaned_data["token"],
                site_id=form.cleaned_data["site"], delivery=form.delivery,
            )  # fmt: skip
            messages.success(request, f"{_unit_words(Drug(done.lot.drug), done.units)} of lot {done.lot.lot} received.")
            return redirect("supplies")
        except Refused as refusal:
            form.add_error(None, str(refusal))
    return _show_stock(request, own, 422, receive_form=form)


def _destroy(request: SignedInRequest, own: list[Site]) -> HttpResponse:
    form = _destroy_form(own, request.POST)
    if form.is_valid():
        site_id = next(
            line.lot.site_id for line in stock.lot_lines([s.pk for s in own]) if line.lot.pk == form.movement.lot_id
        )
        try:
            done = services.destroy_drug(
                by=request.actor, at=clock.now(), token=form.cleaned_data["token"], site_id=site_id,
                movement=form.movement, returned=form.cleaned_data["returned"],
            )  # fmt: skip
            messages.success(request, f"{_unit_words(Drug(done.lot.drug), done.units)} destroyed.")
            return redirect("supplies")
        except Refused as refusal:
            form.add_error(None, str(refusal))
    return _show_stock(request, own, 422, destroy_form=form)


def _stock_wrong(request: SignedInRequest, own: list[Site]) -> HttpResponse:
    form = WrongForm(request.POST)
    moved = DrugMovement.objects.filter(pk=form.data.get("movement") or 0, site__in=own).first()
    if moved is None:
        raise Http404
    problem = _marked_wrong(request, form, moved.site_id)
    if problem:
        form.add_error(None, problem)
    if form.errors:
        return _show_stock(request, own, 422, wrong_form=form)
    return redirect("supplies")


STOCK_ACTIONS: dict[str, Callable[[SignedInRequest, list[Site]], HttpResponse]] = {
    "receive": _receive,
    "destroy": _destroy,
    "wrong": _stock_wrong,
}
