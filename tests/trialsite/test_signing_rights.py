"""Nobody signs before the identity is verified and the letter to the agency is recorded (21 CFR 11.100(b), (c))."""

from __future__ import annotations

import re
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse

from protocol.trial import TRIAL
from protocol.vocabulary import Phase
from tests import world_dosing as treat
from tests.dosing.test_pages import hidden, place, text_of
from tests.world import IDENTITY, PASSWORD, World, certify, day_before, log_in, new_world, settle, train
from trialsite import clock
from trialsite.access import Actor, Duty, system_actor
from trialsite.context import reading, writing
from trialsite.models import AuditEvent, Role, Signature, User
from trialsite.services import people
from trialsite.services.subjects import Refused

ROOMS = ("trialsite", "labs", "enrollment", "safety", "dosing", "followup", "reporting")


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch) -> World:
    world = new_world()
    monkeypatch.setattr(clock, "now", lambda: world.at)
    return world


def newcomer(world: World) -> Actor:
    """An investigator at site 01, trained, of whom neither identity nor certification is recorded yet."""
    link = people.invite(by=world.admin, at=world.at, person=people.Person("new", "Dr New", "new@example.org"))
    people.delegate(
        by=world.admin, at=world.at, user_id=link.invitation.user_id, site_id=world.sites["01"].pk,
        role=Role.INVESTIGATOR, starts_on=day_before(world.at), ends_on=None,
    )  # fmt: skip
    train(world, link.invitation.user_id, TRIAL.version)
    return settle(link, world.at)


@pytest.mark.req("C7")
def test_signing_is_refused_until_both_are_recorded(world: World, client: Client) -> None:
    proposal = treat.at_month_6(world)
    new = newcomer(world)
    url = place("subject_response", proposal.subject)
    page = log_in(client, new).get(url)
    sent = {
        **hidden(page, "decide"), "decision": "agree", "starts_on": treat.today(world, proposal.subject).isoformat(),
        "username": "new", "password": PASSWORD,
    }  # fmt: skip
    refused = client.post(url, sent)
    assert refused.status_code == 403
    words = "You cannot sign until your identity was verified and the letter to the agency was recorded."
    assert words in text_of(refused)
    with reading(system_actor("verification"), world.at):
        assert not Signature.objects.filter(signer_id=new.user_id).exists()
    certify(world, new.user_id or 0)
    assert "Signed." in text_of(client.post(url, sent, follow=True))


@pytest.mark.req("C7")
@pytest.mark.parametrize("lacks", ["identity_verified_on", "certified_on"])
def test_one_of_them_is_not_enough(world: World, lacks: str) -> None:
    proposal = treat.at_month_6(world)
    signer = world.person(Role.INVESTIGATOR)
    with reading(system_actor("verification"), world.at):
        User.objects.filter(pk=signer.user_id).exclude(**{lacks: None}).get()
    _forget(world, signer, lacks)
    with pytest.raises(PermissionDenied, match="You cannot sign until"):
        treat.sign(world, proposal, Phase.LOW_DEX_7_12)


def _forget(world: World, signer: Actor, field: str) -> None:
    with writing(by=world.admin, duty=Duty.MANAGE_PEOPLE, site_id=None, at=world.at, reason="Test"):
        User.objects.filter(pk=signer.user_id).update(**{field: None})


@pytest.mark.req("C7")
def test_an_administrator_records_it_on_the_persons_page_and_the_trail_keeps_it(world: World, client: Client) -> None:
    new = newcomer(world)
    admin = log_in(client, world.admin)
    assert "not yet" in text_of(admin.get(reverse("user", args=[new.user_id])))
    url = reverse("user_signing", args=[new.user_id])
    future = (world.at.date() + timedelta(days=2)).isoformat()
    sent = {"identity_verified_on": "2024-01-01", "certified_on": "2023-12-20"}
    for wrong in ({"identity_verified_on": ""}, {"certified_on": future}):
        assert admin.post(url, {**sent, **wrong}).status_code == 422
    done = text_of(admin.post(url, sent, follow=True))
    assert "Dr New may sign" in done
    assert "1 Jan 2024" in done
    assert "20 Dec 2023" in done
    with reading(system_actor("verification"), world.at):
        event = AuditEvent.objects.filter(table="trialsite_user", op="UPDATE").latest("id")
    assert (event.new["certified_on"], event.actor_name) == ("2023-12-20", world.admin.printed_name)


@pytest.mark.req("C7", "A8")
def test_who_may_record_it_and_for_whom(world: World) -> None:
    new, on = newcomer(world), date(2024, 1, 1)
    with pytest.raises(PermissionDenied):
        people.record_signing_rights(
            by=new, at=world.at, user_id=new.user_id or 0, identity_verified_on=on, certified_on=on
        )
    with pytest.raises(Refused, match="another administrator"):
        certify(world, world.admin.user_id or 0)
    people.deactivate(by=world.admin, at=world.at, user_id=new.user_id or 0, reason="Left")
    with pytest.raises(Refused, match="deactivated"):
        certify(world, new.user_id or 0)


@pytest.mark.req("C7")
def test_every_signature_is_made_where_the_rights_are_asked_for() -> None:
    """No service makes a signature by itself, past the check of identity and letter."""
    making = re.compile(r"\bSignature(\.objects\.(bulk_|get_or_|update_or_)?create)?\(")
    sources = [path for room in ROOMS for path in (settings.BASE_DIR / room).rglob("*.py")]
    made = {
        str(path.relative_to(settings.BASE_DIR))
        for path in sources
        if making.search(path.read_text()) and "migrations" not in path.parts
    }
    assert made == {"trialsite/models/signatures.py", "trialsite/services/signatures.py"}


@pytest.mark.req("C7")
@pytest.mark.parametrize("lacks", ["identity_verified_on", "certified_on"])
def test_what_is_no_phase_decision_asks_for_them_as_well(world: World, client: Client, lacks: str) -> None:
    """Confirming a parameter of the protocol is a signature too; the page says what is missing."""
    signer = world.person(Role.INVESTIGATOR)
    _forget(world, signer, lacks)
    url = reverse("protocol_parameter", kwargs={"name": "high_dex_mg"})
    sent = {"token": str(uuid4()), "value": "40", "reason": "Section 5.2", **IDENTITY}
    refused = log_in(client, signer).post(url, sent)
    assert refused.status_code == 403
    missing = {"identity_verified_on": "your identity was verified", "certified_on": "the letter to the agency"}
    text = text_of(refused)
    assert missing.pop(lacks) in text
    assert not any(words in text for words in missing.values()), "only what is missing"
    certify(world, signer.user_id or 0)
    assert client.post(url, sent).status_code == 302
