"""What a subject takes home: the sheet of one month, and the file for the own calendar."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from icalendar import Calendar

from dosing import selectors
from dosing.models import DoseModification, PhaseDecision
from dosing.selectors.agenda import Agenda, Entry, agenda
from dosing.services import withdraw_confirmation
from dosing.services.modifications import Order, end_modification, mark_modification_in_error, modify_dose
from dosing.views.sheet import as_ics
from followup.services import take_back_end_of_treatment
from followup.vocabulary import EndReason
from protocol.vocabulary import DoseAction, Drug, Phase
from tests import world_dosing as treat
from tests.dosing.test_versions import activate, consent_again
from tests.world import World, log_in
from tests.world_followup import end
from tests.world_followup import who as acting
from tests.world_labs import morning
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import AccessEntry, ParameterConfirmation, Role, Subject

#: A person's calendar program: identity -> (revision, day, words).
Kept = dict[str, tuple[int, date, str]]


@pytest.fixture
def on_low_dose(world: World, month_6_decision: PhaseDecision) -> Subject:
    with reading(system_actor("re-evaluation"), world.at):
        return Subject.objects.select_related("site").get(pk=month_6_decision.subject_id)


def fetched(world: World, client: Client, subject: Subject) -> bytes:
    log_in(client, world.person(Role.COORDINATOR))
    answer = client.get(reverse("subject_calendar_file", args=[subject.key]))
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    return answer.content


def taken_in(file: bytes, kept: Kept) -> Kept:
    """As a calendar program does: a known identity is replaced by a newer revision only, a cancelled one goes."""
    kept = dict(kept)
    for event in Calendar.from_ical(file).walk("VEVENT"):
        identity, revision = str(event["uid"]), int(event["sequence"])
        told = (event["dtstart"].dt, str(event["summary"]))
        if identity in kept and kept[identity][0] >= revision:
            assert kept[identity] == (revision, *told), "changed under the same revision"
            continue
        kept[identity] = (revision, *told)
        if event["status"] == "CANCELLED":
            del kept[identity]
    return kept


def days(kept: Kept, words: str) -> list[date]:
    return sorted(on for _, on, said in kept.values() if words in said)


def planned(world: World, subject: Subject) -> list[date]:
    with reading(system_actor("re-evaluation"), world.at):
        doses = selectors.planned_doses(Subject.objects.select_related("site").get(pk=subject.pk))
    return [dose.on for dose in doses if dose.drug is Drug.DEXAMETHASONE]


@pytest.mark.req("E6", "J6")
def test_the_file_holds_every_dexamethasone_day_and_visit_and_names_nothing(
    world: World, on_low_dose: Subject, client: Client
) -> None:
    file = fetched(world, client, on_low_dose)
    kept = taken_in(file, {})
    assert days(kept, "Tablets: 20 mg") == planned(world, on_low_dose)
    assert len(days(kept, "Visit or call")) > 6
    assert fetched(world, client, on_low_dose) == file, "the same schedule gives the same bytes"
    for word in (b"yeloma", b"nakinra", b"examethasone", b"NCT", b"Trial", on_low_dose.number.encode()):
        assert word not in file
    with reading(system_actor("re-evaluation"), world.at):
        assert AccessEntry.objects.filter(what="Calendar file", subject=on_low_dose).count() == 2


@pytest.mark.req("E6")
def test_taken_in_again_it_moves_and_cancels_and_never_doubles(
    world: World, on_low_dose: Subject, client: Client
) -> None:
    treat.confirm_high_dose(world)
    kept = taken_in(fetched(world, client, on_low_dose), {})
    treat.month(world, on_low_dose, 8, "5.2", on=date(2024, 9, 13))
    treat.month(world, on_low_dose, 9, "5.4", on=date(2024, 10, 11))
    proposal = treat.reevaluated(world, on_low_dose)
    assert proposal is not None
    treat.sign(world, proposal, Phase.HIGH_DEX)
    file = fetched(world, client, on_low_dose)
    for _ in range(2):
        kept = taken_in(file, kept)
        assert sorted(days(kept, "Tablets")) == planned(world, on_low_dose)
    assert "Tablets: 40 mg" in {words for _, _, words in kept.values()}
    assert taken_in(file, {}) == kept, "who never took the first file in has the same calendar"


def test_an_entry_that_moves_keeps_its_identity_whatever_its_day_and_words(world: World) -> None:
    entries = [Entry("the same", date(2024, 8, day), f"Visit {day}") for day in (1, 20)]
    files = [Calendar.from_ical(as_ics(Agenda(revision, world.at, (one,)), "")) for revision, one in enumerate(entries)]
    events = [file.walk("VEVENT")[0] for file in files]
    assert len({str(one["uid"]) for one in events}) == 1
    assert [int(one["sequence"]) for one in events] == [0, 1]


def test_the_sheet_of_a_month_has_a_box_for_each_dose_and_nothing_else(
    world: World, on_low_dose: Subject, client: Client
) -> None:
    log_in(client, world.person(Role.COORDINATOR))
    address = reverse("subject_dosing_sheet", args=[on_low_dose.key])
    page = client.get(address, {"month": "2024-08"}).content.decode().partition("<main")[2].partition("</main>")[0]
    assert page.count('class="tickbox"') == 31 + len([day for day in planned(world, on_low_dose) if day.month == 8])
    for word in ("yeloma", "table disease", "queries", "SD"):
        assert word not in page
    assert "August 2024" in client.get(address, {"month": "2024-08"}).content.decode()
    assert client.get(address, {"month": "never"}).status_code == 200


def test_a_drug_on_hold_is_said_and_has_no_box(world: World, on_low_dose: Subject, client: Client) -> None:
    """Nobody ticks as taken what is not to be taken."""
    first = planned(world, on_low_dose)[0]
    who: Any = {"by": world.person(Role.COORDINATOR), "at": world.at, "subject_id": on_low_dose.pk}
    for drug in (Drug.ANAKINRA, Drug.DEXAMETHASONE):
        held = Order(drug, DoseAction.HOLD, first, "Neutrophils 0.8", first)
        modify_dose(**who, site_id=on_low_dose.site_id, token=uuid4(), order=held)
    log_in(client, world.person(Role.COORDINATOR))
    page = client.get(reverse("subject_dosing_sheet", args=[on_low_dose.key]), {"month": f"{first:%Y-%m}"})
    shown = page.content.decode()
    of_day = shown.partition(f"<b>{first.day}</b>")[2].partition("</td>")[0]
    assert re.findall('<span class="([a-z]+)">([^<]*)<', of_day) == [
        ("withheld", "Anakinra: on hold"), ("withheld", "Dexamethasone: on hold"),
    ]  # fmt: skip
    assert not re.search('class="tickbox">[^<]*on hold', shown)
    assert shown.count('class="tickbox"') > 15, "the days beside it have their boxes"


@pytest.mark.parametrize("role", [Role.DATA_MANAGER, Role.MONITOR, Role.STATISTICIAN])
def test_who_does_not_treat_hands_out_nothing(world: World, on_low_dose: Subject, client: Client, role: Role) -> Any:
    log_in(client, world.person(role))
    for name in ("subject_dosing_sheet", "subject_calendar_file"):
        assert client.get(reverse(name, args=[on_low_dose.key])).status_code == 403


def test_before_the_first_dose_both_are_empty(world: World, client: Client) -> None:
    subject = treat.registered(world)
    world.at = morning(date(2024, 1, 11))
    assert days(taken_in(fetched(world, client, subject), {}), "Tablets") == []
    page = client.get(reverse("subject_dosing_sheet", args=[subject.key])).content.decode()
    assert 'class="tickbox"' not in page


@pytest.mark.req("E6")
def test_an_order_changes_the_file_and_its_end_changes_it_back(
    world: World, on_low_dose: Subject, client: Client
) -> None:
    """Nobody's telephone may call for tablets that are on hold."""
    kept = before = taken_in(fetched(world, client, on_low_dose), {})
    first, second, *_, last = planned(world, on_low_dose)
    who: Any = {"by": world.person(Role.COORDINATOR), "at": world.at, "subject_id": on_low_dose.pk}
    who |= {"site_id": on_low_dose.site_id}
    held = Order(Drug.DEXAMETHASONE, DoseAction.HOLD, first, "Glucose 300 mg/dL", first)
    reduced = Order(Drug.DEXAMETHASONE, DoseAction.REDUCE, second, "Glucose 300 mg/dL", mg=Decimal(12))
    modify_dose(**who, token=uuid4(), order=held)
    order = modify_dose(**who, token=uuid4(), order=reduced)
    kept = taken_in(fetched(world, client, on_low_dose), kept)
    assert days(kept, "Tablets: 12 mg") == planned(world, on_low_dose)[1:]
    assert first not in days(kept, "Tablets")
    end_modification(**who, modification_id=order.pk, ends_on=second)
    kept = taken_in(fetched(world, client, on_low_dose), kept)
    assert days(kept, "Tablets: 12 mg") == [second]
    assert last in days(kept, "Tablets: 20 mg")
    with reading(system_actor("re-evaluation"), world.at):
        orders = list(DoseModification.objects.filter(subject=on_low_dose))
    for found in orders:
        mark_modification_in_error(**who, modification_id=found.pk, reason="Another subject")
    kept = taken_in(fetched(world, client, on_low_dose), kept)
    assert {key: one[1:] for key, one in kept.items()} == {key: one[1:] for key, one in before.items()}


@pytest.mark.req("E6")
def test_an_end_of_treatment_taken_back_brings_every_day_back_to_a_calendar(
    world: World, on_low_dose: Subject, client: Client
) -> None:
    kept = before = taken_in(fetched(world, client, on_low_dose), {})
    found = [revision(world, on_low_dose)]
    end(world, on_low_dose, planned(world, on_low_dose)[1], EndReason.SUBJECT_DECISION)
    found.append(revision(world, on_low_dose))
    kept = taken_in(fetched(world, client, on_low_dose), kept)
    assert len(days(kept, "Tablets")) == 2
    world.later(1)
    take_back_end_of_treatment(**acting(world, on_low_dose, Role.INVESTIGATOR), reason="Another subject")
    found.append(revision(world, on_low_dose))
    kept = taken_in(fetched(world, client, on_low_dose), kept)
    assert {key: one[1:] for key, one in before.items()}.items() <= {key: one[1:] for key, one in kept.items()}.items()
    assert [number for number, _ in found] == sorted({number for number, _ in found}), "each is newer than the last"


@pytest.mark.req("E6")
def test_another_high_dose_reaches_a_calendar_that_took_the_first_in(world: World, client: Client) -> None:
    """The same days with other tablets: only a newer revision and instant make a calendar program take them."""
    treat.confirm_high_dose(world)
    proposal = treat.at_month_6(world, values=("4.9", "5.2"))
    treat.sign(world, proposal, Phase.HIGH_DEX)
    file = fetched(world, client, proposal.subject)
    kept = taken_in(file, {})
    assert days(kept, "Tablets: 40 mg") == planned(world, proposal.subject)
    world.later(5)
    treat.confirm_high_dose(world, Decimal(20))
    later = fetched(world, client, proposal.subject)
    assert stamp(later) > stamp(file)
    kept = taken_in(later, kept)
    assert days(kept, "Tablets: 20 mg") == planned(world, proposal.subject)


def stamp(file: bytes) -> datetime:
    made: datetime = Calendar.from_ical(file).walk("VEVENT")[0]["dtstamp"].dt
    return made


@pytest.mark.req("E6")
def test_a_withdrawn_dose_and_a_new_version_of_the_protocol_are_newer_revisions(
    world: World, on_low_dose: Subject
) -> None:
    by = world.person(Role.INVESTIGATOR)
    found = [revision(world, on_low_dose)]
    world.later(5)
    treat.confirm_high_dose(world)
    with reading(by, world.at):
        (confirmation,) = ParameterConfirmation.objects.all()
    found.append(revision(world, on_low_dose))
    world.later(5)
    withdraw_confirmation(by=by, at=world.at, proof=world.proof(by), site_id=on_low_dose.site_id,
                          confirmation_id=confirmation.pk, reason="Read from a draft")  # fmt: skip
    found.append(revision(world, on_low_dose))
    world.later(5)
    for role in Role:
        world.person(role)
    activate(world)
    consent_again(world, on_low_dose)
    found.append(revision(world, on_low_dose))
    assert [number for number, _ in found] == [found[0][0] + step for step in range(4)]
    assert sorted({at for _, at in found}) == [at for _, at in found], "each with an instant of its own"


def revision(world: World, subject: Subject) -> tuple[int, datetime]:
    with reading(system_actor("re-evaluation"), world.at):
        made = agenda(Subject.objects.select_related("site").get(pk=subject.pk))
    return made.revision, made.changed_at
