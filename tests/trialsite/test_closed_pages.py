"""What is frozen or locked is read on its pages, and nothing there offers to change it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from dosing.services.modifications import Order, modify_dose
from followup.models import Departure
from followup.services import Leaving
from labs.entries import Entry
from labs.services import Assessed, VisitFacts, add_unscheduled_visit, record_disease_assessment, record_visit
from protocol.vocabulary import Analyte, DoseAction, Drug
from safety.models import AdverseEvent, ConcomitantMedication
from safety.services import Medication, record_medication
from tests import world_dosing as treat
from tests.world import World, log_in
from tests.world_followup import contact, end, leave, reached, who, world_in_sight
from tests.world_labs import morning, record
from tests.world_locks import at_place
from tests.world_safety import an_event, reported
from trialsite import clock
from trialsite.lock_pages import PAGES
from trialsite.lock_selectors import places_of
from trialsite.models import Role, Subject
from trialsite.partial_dates import parse
from trialsite.services.locks import freeze

LAST_DOSE, REACHED_ON, LEFT_ON = date(2024, 2, 20), date(2024, 8, 20), date(2024, 9, 3)
CONTACT = "fu06"
#: A box, a list or a button. What is hidden, and what searches, changes nothing.
CONTROLS = re.compile(r"<(?:select|textarea|button|input)\b[^>]*>")
#: Forms that begin something new, which a closed part does not hold up or which refuse by themselves, and why.
NOT_ASKED = {
    "adverse_event_new": "sends back to the list",
    "pregnancy_new": "sends back to the list",
    "subject_safety_report": "asks for a report",
}


@pytest.fixture
def world(db: None) -> Iterator[World]:
    with world_in_sight() as world:
        yield world


@pytest.fixture
def clock_of_the_world(world: World, gone: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a request does, it does at the world's hour, after all that was entered."""
    monkeypatch.setattr(clock, "now", lambda: world.at)


@pytest.fixture
def gone(world: World) -> Subject:
    """A subject with something on every form, who has left the study."""
    subject = treat.on_anakinra(world)
    on = date(2024, 1, 20)
    world.at = morning(on)
    add_unscheduled_visit(**who(world, subject), occurred_on=on, reason="Fever", token=uuid4())
    record(world, subject, "uns1", on, {Analyte.SERUM_M: Entry("37", "g/L"), Analyte.HCG_URINE: "neg"})
    facts = VisitFacts(occurred_on=on, ecog=1, pulse=80)
    record_visit(**who(world, subject), code="uns1", facts=facts, reason="Read again")
    assessed = Assessed(immunofixation_on=on, serum_ife="POSITIVE")
    record_disease_assessment(**who(world, subject), visit_code="uns1", assessed=assessed)
    treat.fill(world, subject, date(2024, 1, 16), date(2024, 1, 19))
    reported(world, subject, an_event("Headache", 2, "jan 2024"))
    medication = Medication("Paracetamol", "Headache", parse("2024", on))
    record_medication(**who(world, subject), token=uuid4(), medication=medication)
    order = Order(Drug.ANAKINRA, DoseAction.HOLD, on, "ANC 0.8")
    modify_dose(**who(world, subject), token=uuid4(), order=order)
    end(world, subject, LAST_DOSE)
    contact(world, subject, reached(CONTACT, REACHED_ON))
    leave(world, subject, Leaving(Departure.Kind.WITHDRAWN, LEFT_ON, "Moved", passive_follow_up_allowed=True))
    return Subject.objects.select_related("site").get(pk=subject.pk)


def pages_of(subject: Subject) -> dict[str, str]:
    """Every page that changes a part of the record: those that the shell knows, and those that show several parts."""
    event = AdverseEvent.objects.get(subject=subject)
    medication = ConcomitantMedication.objects.get(subject=subject)
    more = {
        "adverse_event": [event.number], "medication": [medication.pk],
        "visit": ["uns1"], "visit_labs": ["uns1"], "visit_disease": ["uns1"],
    }  # fmt: skip
    found = {name: reverse(name, args=[subject.key, *more.get(name, [])]) for name in PAGES if name not in NOT_ASKED}
    return found | {
        "every panel": f"{found['visit_labs']}?panels=all",
        "contact": f"{reverse('subject_follow_up', args=[subject.key])}?visit={CONTACT}",
        "doses": f"{reverse('subject_dosing', args=[subject.key])}?day=2024-01-17",
    }


def offered(client: Client, address: str) -> list[str]:
    """Boxes, lists and buttons of what the page holds besides the shell."""
    answer = client.get(address)
    if answer.status_code in (302, 303):
        return []
    main = answer.content.decode().partition('<main id="main"')[2].partition("</main>")[0]
    return [one for one in CONTROLS.findall(main) if 'type="hidden"' not in one]


@pytest.mark.req("C11", "D10")
@pytest.mark.usefixtures("clock_of_the_world")
def test_no_page_offers_to_change_what_is_closed(world: World, gone: Subject) -> None:
    pages = pages_of(gone)
    coordinator = log_in(Client(), world.person(Role.COORDINATOR))
    before = {name for name, address in pages.items() if offered(coordinator, address)}
    assert {"visit", "visit_labs", "visit_disease", "contact", "doses", "adverse_event", "medication"} <= before
    for place in places_of([gone], world.at)[gone.pk]:
        freeze(**at_place(world, gone, place.name))
    assert {name: found for name, address in pages.items() if (found := offered(coordinator, address))} == {}


@pytest.mark.req("C11", "D10")
@pytest.mark.usefixtures("clock_of_the_world")
def test_a_departure_is_offered_only_where_one_can_be_recorded(world: World, gone: Subject) -> None:
    """Here only a death that public records tell, until the course is closed; then the page is there to be read."""
    page, departure = reverse("subject_follow_up", args=[gone.key]), reverse("subject_departure", args=[gone.key])
    coordinator, monitor = (log_in(Client(), world.person(role)) for role in (Role.COORDINATOR, Role.MONITOR))

    def link(client: Client) -> str:
        found = re.search(rf'<a class="btn[^>]*href="{departure}">([^<]*)<', client.get(page).content.decode())
        return found[1] if found else ""

    assert (link(coordinator), link(monitor)) == ("Withdrawn, lost or died", "How the subject left")
    assert "Record death" in coordinator.get(departure).content.decode()
    freeze(**at_place(world, gone, "course"))
    assert (link(coordinator), link(monitor)) == ("How the subject left", "How the subject left")
    assert offered(coordinator, departure) == []


@pytest.mark.req("C11")
@pytest.mark.usefixtures("clock_of_the_world")
def test_a_grid_to_read_says_result_and_unit_as_they_were_entered(world: World, gone: Subject) -> None:
    page = f"{reverse('visit_labs', args=[gone.key, 'uns1'])}?panels=all"
    shown = log_in(Client(), world.person(Role.MONITOR)).get(page).content.decode()
    row = shown.partition('data-row="serum_m"')[2].partition("</tr>")[0]
    assert re.search(r"<b>37</b></td>\s*<td[^>]*><span class=\"unit\">g/L<", row)
    assert "<b>negative</b>" in shown.lower()
