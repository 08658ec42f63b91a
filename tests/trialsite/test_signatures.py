"""A signature's name, time and meaning stay as they were signed, on pages and in files, whatever changes later."""

from __future__ import annotations

import csv
import io

import pytest
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse

from protocol.vocabulary import Analyte, Phase
from tests import world_dosing as treat
from tests.fixtures.databases import Database
from tests.trialsite.test_every_url import body
from tests.world import World, log_in, new_world
from tests.world_labs import record
from trialsite import clock
from trialsite.access import Actor, Duty, system_actor
from trialsite.context import reading, writing
from trialsite.models import Role, Signature, SignatureEvent, Subject, User, Visit
from trialsite.services.signatures import is_intact

NEW_NAME = "Dr Renamed Later"


def renamed(world: World, person: Actor) -> str:
    """The person gets another printed name; the former one."""
    with writing(by=world.admin, duty=Duty.MANAGE_PEOPLE, site_id=None, at=world.at, reason="Married"):
        User.objects.filter(pk=person.user_id).update(printed_name=NEW_NAME)
    return person.printed_name


@pytest.fixture
def signed(fresh_db: Database) -> tuple[World, Subject]:
    world = new_world()
    proposal = treat.at_month_6(world)
    treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    return world, proposal.subject


@pytest.mark.req("C1", "C2")
def test_a_new_name_leaves_the_signed_name_where_it_was(signed: tuple[World, Subject]) -> None:
    world, subject = signed
    client, former = log_in(Client(), world.person(Role.DATA_MANAGER)), renamed(world, world.person(Role.INVESTIGATOR))
    page = body(client.get(reverse("subject_response", args=[subject.key, "m06"])))
    for part in (former, "Approval of response and treatment", "CDT"):
        assert part in page
    assert NEW_NAME not in page
    rows = list(csv.DictReader(io.StringIO(body(client.get(reverse("export", args=["signatures"]))))))
    names = {row["printed_name"] for row in rows if row["meaning"] == "approval of response and treatment"}
    assert names == {former}
    assert all(row["signed_at"].endswith("Z") for row in rows)


@pytest.mark.req("C2", "C3")
@pytest.mark.parametrize(
    "change",
    [{"printed_name": NEW_NAME}, {"meaning": "read"}, {"record_id": "999"}, {"digest": "0" * 64}, {"content": {}}],
)
def test_nothing_of_a_signature_can_be_changed_or_moved(
    signed: tuple[World, Subject], change: dict[str, object]
) -> None:
    world, subject = signed
    investigator = world.person(Role.INVESTIGATOR)
    signing = {"by": investigator, "duty": Duty.SIGN, "site_id": subject.site_id, "at": world.at, "reason": "Try"}
    with pytest.raises(DatabaseError, match="permission denied"), writing(**signing):  # type: ignore[arg-type]
        Signature.objects.update(**change)


@pytest.mark.req("C4", "C3")
def test_a_corrected_value_breaks_what_rested_on_it_for_all_to_see(signed: tuple[World, Subject]) -> None:
    world, subject = signed
    record(world, subject, "m06", treat.MONTH[6], {Analyte.SERUM_M: "3.9"}, reason="Report misread")
    with reading(system_actor("verification"), world.at):
        (broken,) = Signature.objects.filter(record_type="phase_decision")
        assert not is_intact(broken)
        assert broken.events.get().kind == SignatureEvent.Kind.BROKEN
    page = body(log_in(Client(), world.person(Role.INVESTIGATOR)).get(reverse("subject_responses", args=[subject.key])))
    assert "broken" in page.lower()
    work = body(log_in(Client(), world.person(Role.INVESTIGATOR)).get(reverse("my_work")))
    assert subject.number in work


@pytest.mark.req("B7")
def test_the_clock_of_a_browser_counts_for_nothing(signed: tuple[World, Subject]) -> None:
    """Whatever time a form or header claims, the record bears the server's."""
    world, subject = signed
    client = log_in(Client(headers={"date": "Mon, 01 Jan 2001 00:00:00 GMT"}), world.person(Role.COORDINATOR))
    sent = {"reason": "No show", "action": "not_done", "not_done-reason": "No show", "at": "2001-01-01T00:00:00Z",
            "recorded_at": "2001-01-01T00:00:00Z", "entered_at": "2001-01-01"}  # fmt: skip
    before = clock.now()
    assert client.post(reverse("visit", args=[subject.key, "m04"]), sent).status_code == 302
    with reading(system_actor("verification"), world.at):
        visit = Visit.objects.get(subject=subject, code="m04")
    assert before <= visit.recorded_at <= clock.now()
    assert "2001" not in body(client.get(reverse("subject_audit", args=[subject.key])))
