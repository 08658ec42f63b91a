"""A page sent again: the same is the same record and says so, a changed one is told and loses nothing."""

from __future__ import annotations

import re
from datetime import date
from uuid import uuid4

import pytest
from django.forms import BaseForm
from django.http import QueryDict
from django.test import Client, RequestFactory
from django.urls import get_resolver, reverse
from hypothesis import given
from hypothesis import strategies as st

from labs.models import LabResult
from safety.models import AdverseEvent
from tests.safety.test_events import form as event_form
from tests.world import World, log_in, new_world
from tests.world_labs import laboratory, treated_subject
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Role, Subject, Submission
from trialsite.submissions import CHANGED, NOT_ENTERED, REPEATED, TokenField, sent_with

DAY1 = date(2024, 3, 4)
SAID = CHANGED.split(".")[0]
words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=4)
boxes = st.dictionaries(st.sampled_from(["a", "b", "serious"]), st.lists(words, min_size=1, max_size=3), max_size=3)
marks = st.dictionaries(st.sampled_from(sorted(NOT_ENTERED)), st.lists(words, min_size=1, max_size=1))


@pytest.fixture
def world(db: None) -> World:
    return new_world()


@pytest.fixture
def subject(world: World) -> Subject:
    laboratory(world)
    return treated_subject(world, day1=DAY1)


@pytest.fixture
def coordinator(world: World, client: Client) -> Client:
    return log_in(client, world.person(Role.COORDINATOR))


def token_in(html: str) -> str:
    found = re.search(r'name="token" value="([\w-]+)"', html)
    assert found
    return found[1]


def events(world: World) -> list[tuple[int, int]]:
    with reading(system_actor("verification"), world.at):
        return list(AdverseEvent.objects.order_by("number").values_list("number", "grade"))


def digest_of(content: dict[str, list[str]]) -> str:
    posted = QueryDict(mutable=True)
    for name, texts in content.items():
        posted.setlist(name, texts)
    request = RequestFactory().post("/", posted.urlencode(), content_type="application/x-www-form-urlencoded")
    with sent_with(request) as sent:
        return sent.digest


@given(boxes, boxes, marks, marks)
def test_two_pages_are_the_same_if_and_only_if_what_was_entered_is(
    one: dict[str, list[str]], other: dict[str, list[str]], its: dict[str, list[str]], others: dict[str, list[str]]
) -> None:
    first, second = ({"token": ["t"], **content, **mark} for content, mark in ((one, its), (other, others)))
    assert (digest_of(first) == digest_of(second)) is (one == other)
    assert digest_of(first)


def forms_with_a_token(kind: type[BaseForm] = BaseForm) -> set[type[BaseForm]]:
    below = {one for sub in kind.__subclasses__() for one in forms_with_a_token(sub)}
    return below | ({kind} if "token" in getattr(kind, "base_fields", {}) else set())


@pytest.mark.req("D13")
def test_every_form_with_a_token_renews_it_once_it_was_told() -> None:
    """One field for all of them; importing the addresses imports every form."""
    assert get_resolver().url_patterns
    found = forms_with_a_token()
    assert len(found) > 20
    fields = {one.__name__: getattr(one, "base_fields", {})["token"] for one in found}
    assert [name for name, field in fields.items() if not isinstance(field, TokenField)] == []


@pytest.mark.req("D3", "D13")
def test_the_same_page_again_says_that_nothing_was_stored_twice(
    world: World, subject: Subject, coordinator: Client
) -> None:
    new, sent = reverse("adverse_event_new", args=[subject.key]), event_form()
    assert REPEATED not in coordinator.post(new, sent, follow=True).content.decode()
    assert REPEATED in coordinator.post(new, sent, follow=True).content.decode()
    assert events(world) == [(1, 2)]


@pytest.mark.req("D3", "D13")
def test_a_changed_page_sent_again_is_told_and_loses_nothing(
    world: World, subject: Subject, coordinator: Client
) -> None:
    """What was typed stands there under a new token, with the way to what was saved; sent once more it is new."""
    new, sent = reverse("adverse_event_new", args=[subject.key]), event_form()
    coordinator.post(new, sent)
    changed = {**sent, "grade": "3", "reported_as": "Splitting headache"}
    answer = coordinator.post(new, changed)
    html = answer.content.decode()
    assert answer.status_code == 422
    assert CHANGED in html
    listed = reverse("subject_adverse_events", args=[subject.key])
    assert f'<a href="{listed}">See and correct what was saved</a>' in html
    assert 'value="Splitting headache"' in html
    assert re.search(r'name="grade" value="3"[^>]* checked', html)
    assert events(world) == [(1, 2)]
    token = token_in(html)
    assert token != sent["token"]
    assert coordinator.post(new, {**changed, "token": token}).status_code == 302
    assert events(world) == [(1, 2), (2, 3)]


@pytest.mark.req("D3", "D13")
def test_a_changed_page_with_a_mistake_in_it_is_told_once_the_mistake_is_mended(
    world: World, subject: Subject, coordinator: Client
) -> None:
    """The page that says what is wrong keeps the token: otherwise a second event would be made unasked."""
    new, sent = reverse("adverse_event_new", args=[subject.key]), event_form()
    coordinator.post(new, sent)
    html = coordinator.post(new, {**sent, "grade": "3", "outcome": ""}).content.decode()
    assert "Choose the outcome." in html
    assert token_in(html) == sent["token"]
    assert SAID in coordinator.post(new, {**sent, "grade": "3"}).content.decode()
    assert events(world) == [(1, 2)]


@pytest.mark.req("D3", "D13")
def test_a_changed_grid_sent_again_is_told_and_then_asks_which_value_stands(
    world: World, subject: Subject, coordinator: Client
) -> None:
    """The page had been opened before its own save: what that save stored is not written over unseen."""
    url = reverse("visit_labs", args=[subject.key, "m01"])
    opened = coordinator.get(url).content.decode()
    hidden = dict(re.findall(r'type="hidden" name="([\w-]+)" value="([^"]*)"', opened))
    sent = {**hidden, "collected_on": "4 apr 2024", "serum_m": "2.9", "action": "save"}
    assert coordinator.post(url, sent).status_code == 302
    told = coordinator.post(url, {**sent, "serum_m": "2.7"})
    html = told.content.decode()
    assert (told.status_code, SAID in html, 'name="serum_m" value="2.7"' in html) == (422, True, True)
    again = coordinator.post(url, {**sent, "serum_m": "2.7", "token": token_in(html), "change_reason": "Read again"})
    assert again.status_code == 409
    assert "Choose a value for 1 result, then save again." in again.content.decode()
    with reading(system_actor("verification"), world.at):
        assert [one.typed for one in LabResult.objects.all()] == ["2.9"]


def test_an_unscheduled_visit_changed_and_sent_again_is_told(
    world: World, subject: Subject, coordinator: Client
) -> None:
    url, sent = reverse("subject_visits", args=[subject.key]), {"token": str(uuid4()), "occurred_on": "4 apr 2024"}
    assert coordinator.post(url, {**sent, "reason": "To confirm"}).status_code == 302
    html = coordinator.post(url, {**sent, "reason": "Fever"}).content.decode()
    assert (SAID in html, token_in(html) != sent["token"], "Fever" in html) == (True, True, True)


@pytest.mark.req("G3")
def test_who_signs_is_not_part_of_what_a_form_was_sent_with(
    world: World, subject: Subject, coordinator: Client
) -> None:
    """A digest of a short code or a password could be guessed back."""
    sent = event_form()
    new = reverse("adverse_event_new", args=[subject.key])
    coordinator.post(new, {**sent, "password": "one", "code": "123456"})
    answer = coordinator.post(new, {**sent, "password": "two", "code": "654321"}, follow=True)
    assert REPEATED in answer.content.decode()
    with reading(system_actor("verification"), world.at):
        assert len(Submission.objects.get(token=sent["token"]).digest) == 64
