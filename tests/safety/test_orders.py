"""What was done with a drug because of an event is offered as an order, and ordered by nobody but a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from dosing.models import DoseModification
from dosing.services.modifications import Order, modify_dose
from protocol.vocabulary import DoseAction, Drug
from safety.vocabulary import ActionTaken
from tests.reporting.test_next_step import all_words
from tests.world import World, log_in
from tests.world_followup import who
from tests.world_labs import morning, treated_subject
from tests.world_safety import an_event, reported
from trialsite.days import in_words
from trialsite.models import Role, Subject
from trialsite.services.subjects import Refused

HELD = an_event("Neutrophil count decreased", 3, "6 mar 2024", action_anakinra=ActionTaken.HELD)
TASK = "Enter the order for anakinra"


def furnish(world: World) -> Subject:
    treated = treated_subject(world, day1=date(2024, 3, 4))
    world.at = morning(date(2024, 4, 2))
    return treated


@pytest.mark.req("E7")
def test_a_held_drug_asks_for_its_order_until_it_stands(world: World, subject: Subject) -> None:
    reported(world, subject, HELD)
    assert TASK in all_words(world, subject)
    assert not DoseModification.objects.exists(), "nothing is ordered by itself"
    order = Order(Drug.ANAKINRA, DoseAction.HOLD, date(2024, 3, 7), "Neutropenia")
    modify_dose(**who(world, subject), token=uuid4(), order=order)
    assert TASK in all_words(world, subject), "the order answers no event"
    modify_dose(**who(world, subject), token=uuid4(), order=replace(order, event=1))
    assert TASK not in all_words(world, subject)


@pytest.mark.req("E7")
def test_an_order_for_another_event_or_drug_answers_nothing(world: World, subject: Subject) -> None:
    reported(world, subject, HELD)
    reported(world, subject, an_event("Lung infection", 2, "8 mar 2024"))
    for drug, event in ((Drug.ANAKINRA, 2), (Drug.DEXAMETHASONE, 1)):
        order = Order(drug, DoseAction.HOLD, date(2024, 3, 9), "Infection", event=event)
        modify_dose(**who(world, subject), token=uuid4(), order=order)
        assert TASK in all_words(world, subject)
    wrong = Order(Drug.ANAKINRA, DoseAction.HOLD, date(2024, 3, 9), "Infection", event=7)
    with pytest.raises(Refused, match="no adverse event 7"):
        modify_dose(**who(world, subject), token=uuid4(), order=wrong)


@pytest.mark.req("E7")
def test_the_event_leads_to_a_form_that_is_filled_in(world: World, subject: Subject, client: Client) -> None:
    event = reported(world, subject, HELD)
    log_in(client, world.person(Role.COORDINATOR))
    link = f"{reverse('subject_modifications', args=[subject.key])}?event={event.number}&amp;drug=anakinra"
    assert link in client.get(reverse("adverse_event", args=[subject.key, 1])).content.decode()
    form = client.get(link.replace("&amp;", "&")).context["form"]
    assert (form["drug"].value(), form["order_action"].value()) == ("anakinra", "HOLD")
    assert form["starts_on"].value() == in_words(event.started_latest), "the drug was held when the event began"
    assert form["why"].value() == "Adverse event 1: Neutrophil count decreased, grade 3"
    page = reverse("subject_modifications", args=[subject.key])
    sent = {name: form[name].value() or "" for name in form.fields}
    assert client.post(page, {**sent, "action": "order", "event": "x"}).status_code == 422
    assert client.post(page, {**sent, "action": "order"}).status_code == 302
    assert DoseModification.objects.get().event == event
    assert "Event 1" in client.get(page).content.decode()
    other = client.get(link.replace("&amp;drug=anakinra", "&drug=dexamethasone")).context["form"]
    assert other["why"].value() is None
