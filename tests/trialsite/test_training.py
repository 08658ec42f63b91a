"""Training in the protocol version in force: recorded with evidence, shown, and asked for before entry."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from protocol.versions import AMENDMENT_1, ORIGINAL
from tests.world import World, day_before, hire, log_in, new_world
from tests.world_enrollment import form_in_force, screened
from trialsite import clock
from trialsite.access import AFTER_TRAINING, DUTIES, SITE_STAFF, Actor, Duty
from trialsite.actors import actor_for
from trialsite.context import reading, writing
from trialsite.models import AuditEvent, Role, Training, User
from trialsite.services.subjects import Refused
from trialsite.services.training import Trained, record_training, take_back_training

VERSION = ORIGINAL.version


@pytest.fixture
def world(db: None) -> World:
    return new_world(clock.now())


def fresh(actor: Actor) -> Actor:
    """The person as the next request knows them."""
    return actor_for(User.objects.get(pk=actor.user_id))


def untrained(world: World, role: Role = Role.COORDINATOR, name: str = "new.colleague") -> Actor:
    actor = hire(world, name, role, "01")
    for training in Training.objects.filter(user_id=actor.user_id):
        take_back_training(by=world.admin, at=world.at, training_id=training.pk, reason="Another person's certificate")
    return fresh(actor)


def train(world: World, actor: Actor, **changed: object) -> Training:
    given = {"protocol_version": VERSION, "trained_on": day_before(world.at), "evidence": "Certificate 12, binder 3"}
    trained = Trained(**{**given, **changed})  # type: ignore[arg-type]
    return record_training(by=world.admin, at=world.at, user_id=actor.user_id or 0, trained=trained)


def text(response: object) -> str:
    return re.sub(r"\s+", " ", response.content.decode())  # type: ignore[attr-defined]


# -- the wall


@pytest.mark.req("A4")
@pytest.mark.parametrize("role", sorted(SITE_STAFF))
def test_no_writing_duty_is_held_before_training_and_every_one_after(world: World, role: Role) -> None:
    """Asked where every service asks: at the begin of its transaction."""
    held = [duty for duty in AFTER_TRAINING if role in DUTIES[duty]]
    assert {Duty.ENTER_DATA, Duty.RECORD_DOSE, Duty.ANSWER_QUERY, Duty.SCREEN_SUBJECT} <= set(held)
    person, site_id = untrained(world, role), world.sites["01"].pk
    for duty in held:
        with (
            pytest.raises(PermissionDenied, match="No training in protocol version"),
            writing(by=person, duty=duty, site_id=site_id, at=world.at),
        ):
            pytest.fail("not reached")
    train(world, person)
    for duty in held:
        with writing(by=fresh(person), duty=duty, site_id=site_id, at=world.at):
            pass


@pytest.mark.req("A4")
def test_entry_is_403_with_what_to_do_and_200_after_the_record(world: World) -> None:
    form_in_force(world)
    subject = screened(world)
    client = log_in(Client(), untrained(world))
    place = reverse("subject_eligibility", args=[subject.key])
    page = client.get(place)
    assert page.status_code == 200, "reading goes on"
    assert "No training in protocol version 1.0 is recorded for you up to today" in text(page)
    assert "Ask an administrator to record it on your page." in text(page)
    refused = client.post(place, {"action": "save", "assessed_on": "t", "nyha": "0", "seen": "0"})
    assert refused.status_code == 403
    assert "No training in protocol version 1.0" in text(refused)
    assert client.get(reverse("subject_new")).status_code == 403
    admin = log_in(Client(), world.admin)
    user = User.objects.get(username="new.colleague")
    sent = {"protocol_version": VERSION, "trained_on": f"{day_before(world.at):%d %b %Y}", "evidence": "Binder 3"}
    assert admin.post(reverse("user_training", args=[user.pk]), sent).status_code == 303
    assert client.get(reverse("subject_new")).status_code == 200
    saved = client.post(place, {"action": "save", "assessed_on": "t", "nyha": "0", "seen": "0"})
    assert saved.status_code == 303
    assert "No training in protocol version" not in text(client.get(place))


@pytest.mark.req("A4", "H3")
def test_training_in_an_older_version_does_not_open_the_newer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person = untrained(world)
    train(world, person)
    assert fresh(person).is_trained(world.sites["01"].pk, world.at)
    monkeypatch.setattr("trialsite.actors.ORIGINAL", AMENDMENT_1)
    assert not fresh(person).is_trained(world.sites["01"].pk, world.at)
    train(world, person, protocol_version=AMENDMENT_1.version)
    assert fresh(person).is_trained(world.sites["01"].pk, world.at)


def test_who_acts_is_known_with_two_questions(world: World) -> None:
    user = User.objects.get(pk=world.person(Role.COORDINATOR).user_id)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        actor_for(user)
    assert len([one for one in asked if "set_config" not in one["sql"] and "SAVEPOINT" not in one["sql"]]) == 2


# -- the record


@pytest.mark.req("A4", "A9")
def test_a_record_says_who_when_and_on_what_it_rests(world: World) -> None:
    person = untrained(world)
    made = train(world, person)
    assert (made.recorded_by_id, made.recorded_at) == (world.admin.user_id, world.at)
    assert train(world, person).pk == made.pk, "the same again is the same"
    with pytest.raises(Refused, match="is recorded"):
        train(world, person, evidence="Another paper")
    with reading(world.admin, world.at):
        events = AuditEvent.objects.filter(table="trialsite_training", row_id=str(made.pk))
        assert [event.op for event in events] == ["INSERT"]


@pytest.mark.req("A4")
@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"protocol_version": "9.9"}, "There is no protocol version 9.9"),
        ({"evidence": " "}, "Say which document"),
        ({"trained_on": date(2999, 1, 1)}, "in the future"),
    ],
)
def test_what_cannot_be_is_refused(world: World, changed: dict[str, object], words: str) -> None:
    person = untrained(world)
    with pytest.raises(Refused, match=words):
        train(world, person, **changed)


@pytest.mark.req("A4")
def test_a_record_in_error_stays_listed_and_counts_no_more(world: World) -> None:
    person = world.person(Role.COORDINATOR)
    made = Training.objects.get(user_id=person.user_id, protocol_version=VERSION)
    admin = log_in(Client(), world.admin)
    place = reverse("training_in_error", args=[made.pk])
    assert admin.post(place, {"reason": ""}).status_code == 422
    assert admin.post(place, {"reason": "Certificate of another person"}).status_code == 303
    assert admin.post(place, {"reason": "Again"}).status_code == 303
    made.refresh_from_db()
    assert made.in_error_reason == "Certificate of another person"
    assert not fresh(person).is_trained(world.sites["01"].pk, world.at)
    page = text(admin.get(reverse("user", args=[person.user_id])))
    assert "Recorded in error: Certificate of another person" in page


@pytest.mark.req("A4")
def test_the_delegation_log_shows_the_training(world: World) -> None:
    trained, waits = world.person(Role.COORDINATOR), untrained(world)
    admin = log_in(Client(), world.admin)
    page = text(admin.get(reverse("site", args=["01"])))
    day = day_before(world.at)
    assert f"Trained in version {VERSION}" in page
    assert f"{day.day} {day:%b %Y}" in page
    assert f'href="{reverse("user_training", args=[waits.user_id])}"' in page
    assert f'href="{reverse("user_training", args=[trained.user_id])}"' not in page


@pytest.mark.req("A4")
def test_bad_input_keeps_what_was_typed(world: World) -> None:
    admin = log_in(Client(), world.admin)
    place = reverse("user_training", args=[world.person(Role.COORDINATOR).user_id])
    late = clock.today() + timedelta(days=3)
    answer = admin.post(place, {"protocol_version": VERSION, "trained_on": f"{late:%d %b %Y}", "evidence": "Binder 77"})
    assert answer.status_code == 422
    assert "Binder 77" in text(answer)


@pytest.mark.req("A4", "A8")
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_only_administrators_record_training(world: World, role: Role) -> None:
    by = world.person(role)
    trained = Trained(VERSION, day_before(world.at), "Own word")
    with pytest.raises(PermissionDenied):
        record_training(by=by, at=world.at, user_id=by.user_id or 0, trained=trained)
    with pytest.raises(PermissionDenied):
        take_back_training(by=by, at=world.at, training_id=1, reason="x")
