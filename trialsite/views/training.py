"""Training records of a person: recorded by an administrator, taken back where they were recorded in error."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from trialsite import clock
from trialsite.access import Duty
from trialsite.days import in_words
from trialsite.models import Training, User
from trialsite.people_forms import ReasonForm, TrainingForm
from trialsite.selectors import protocol_in_force
from trialsite.services.training import Trained, record_training, take_back_training
from trialsite.views.administration import Page, check, done, form_page, posted


@require_http_methods(["GET", "POST"])
def user_training(request: HttpRequest, pk: int) -> HttpResponse:
    check(request, Duty.MANAGE_PEOPLE)
    one = get_object_or_404(User, pk=pk)
    back = reverse("user", args=[pk])
    in_force = protocol_in_force().version
    note = f"Protocol version {in_force} is in force: site staff enter and sign only after training in it."
    page = Page(f"Record a training of {one.printed_name}", "Record training", back, str(one), note=note)

    def save(data: dict[str, Any]) -> HttpResponse:
        stored = record_training(by=request.actor, at=clock.now(), user_id=pk, trained=Trained(**data))  # type: ignore[attr-defined]
        return done(request, f"Training in protocol version {stored.protocol_version} is recorded.", back)

    form = TrainingForm(posted(request), initial={"protocol_version": in_force, "trained_on": clock.today()})
    return form_page(request, form, page, save)


@require_http_methods(["GET", "POST"])
def training_in_error(request: HttpRequest, pk: int) -> HttpResponse:
    check(request, Duty.MANAGE_PEOPLE)
    training = get_object_or_404(Training.objects.select_related("user"), pk=pk)
    back = reverse("user", args=[training.user_id])
    words = f"Training in protocol version {training.protocol_version} on {in_words(training.trained_on)}"
    note = f"{words}. It stays listed and counts no more: without another one the person enters nothing."
    page = Page(
        f"A training of {training.user} was recorded in error", "Mark as in error", back, str(training.user),
        danger=True, note=note,
    )  # fmt: skip

    def save(data: dict[str, Any]) -> HttpResponse:
        take_back_training(by=request.actor, at=clock.now(), training_id=pk, reason=data["reason"])  # type: ignore[attr-defined]
        return done(request, f"{words} counts no more.", back)

    return form_page(request, ReasonForm(posted(request)), page, save)
