"""Free text that may tell who a subject is: what is flagged, what is not, and that it is saved all the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from importlib import import_module
from uuid import uuid4

import pytest
from django import forms
from django.test import Client
from django.urls import reverse

from protocol.vocabulary import Analyte
from tests.world import World, log_in
from tests.world_followup import world_in_sight
from tests.world_labs import record, treated_subject
from trialsite.free_text import NOT_FREE, is_free_text, may_hold, sentence
from trialsite.models import Query, Role
from trialsite.query_forms import AnswerForm
from trialsite.services import queries
from trialsite.services.queries import Anchor
from trialsite.templatetags.edc import control

NAME, NUMBER, PHONE = "a name", "a hospital or record number", "a telephone number"
MAIL, BIRTH = "an e-mail address", "a date of birth"


@pytest.fixture
def world(db: None) -> Iterator[World]:
    with world_in_sight() as world:
        yield world


@pytest.mark.req("D15")
@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("Mrs. Miller called about the rash", {NAME}),
        ("Mr Smith missed the visit", {NAME}),
        ("spoke to John Smith on Monday", {NAME}),
        ("Mary A. O'Neill asked to stop", {NAME}),
        ("her husband Peter drives her", {NAME}),
        ("report under MRN 4471203", {NUMBER}),
        ("medical record no. AB-12345", {NUMBER}),
        ("hospital number: 8812 34", {NUMBER}),
        ("SSN 123-45-6789", {NUMBER}),
        ("patient id 0099812", {NUMBER}),
        ("reached at (507) 284-2511", {PHONE}),
        ("reached at 507-284-2511", {PHONE}),
        ("+49 30 901820 in the evening", {PHONE}),
        ("tel. 0301 4455667", {PHONE}),
        ("call 284 2511 before noon", {PHONE}),
        ("write to j.doe@example.org", {MAIL}),
        ("DOB 03/04/1951", {BIRTH}),
        ("born 4 Mar 1951", {BIRTH}),
        ("born on March 4, 1951", {BIRTH}),
        ("birth date is 1951-03-04", {BIRTH}),
        ("4 Mar 1951, female", {BIRTH}),
        ("Mr Smith, born 04.03.1951, tel 507-284-2511", {NAME, BIRTH, PHONE}),
    ],
)
def test_what_is_flagged(text: str, holds: set[str]) -> None:
    assert set(may_hold(text)) == holds


@pytest.mark.req("D15")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "Transcription error",
        "Bone marrow not done: subject declined",
        "Serum M-spike 2.9 g/dL, was 3.1 on 12 Mar 2026",
        "Sample of 2026-03-12 was hemolysed",
        "see 01-003, Month 6",
        "dose held 12 to 18 Mar 2026 on instruction of the investigator",
        "hemoglobin 12.4, platelets 212, WBC 5.2",
        "accession 20260312-0045",
        "Dexamethasone 40 mg, Anakinra 100 mg daily",
        "chart reviewed, patient well, phone visit",
        "subject called in sick",
        "Central Laboratory reported late",
        "moved to Rochester",
    ],
)
def test_what_people_write_every_day_is_not_flagged(text: str) -> None:
    assert may_hold(text) == ()


@pytest.mark.req("D15")
def test_the_sentence_names_what_it_may_be_and_says_that_it_is_saved() -> None:
    assert sentence([]) == ""
    assert sentence([NAME]).startswith("This may hold a name. It is saved as typed;")
    assert sentence([NAME, PHONE, MAIL]).startswith("This may hold a name, a telephone number and an e-mail address.")


def boxes() -> list[tuple[str, str, forms.Field]]:
    """Every box of words of every form of the product: form, name, field."""
    homes = ("trialsite.query_forms", "labs.forms", "enrollment.forms", "safety.forms", "dosing.forms",
             "dosing.supply_forms", "followup.forms")  # fmt: skip
    found = []
    for home in homes:
        for one in vars(import_module(home)).values():
            if isinstance(one, type) and issubclass(one, forms.BaseForm) and one.__module__ == home:
                fields = getattr(one, "base_fields", {})
                found += [(one.__name__, name, field) for name, field in fields.items()
                          if isinstance(field.widget, forms.Textarea) or type(field) is forms.CharField]  # fmt: skip
    return found


@pytest.mark.req("D15")
def test_every_box_of_words_is_watched_unless_it_is_on_the_list() -> None:
    watched = {(form, name) for form, name, field in boxes() if is_free_text(name, field)}
    left = {name for form, name, field in boxes() if (form, name) not in watched}
    assert left <= NOT_FREE
    assert len(watched) > 20
    assert {name for _, name in watched} >= {"reason", "comment", "text", "detail", "note"}


@pytest.mark.req("D15")
def test_the_sentence_stands_beside_the_box_when_a_form_comes_back() -> None:
    form = AnswerForm({"text": "Ask Mrs Miller"})
    assert "This may hold a name." in control(form["text"])
    assert 'hx-post="/text-check/"' in control(form["text"])
    assert "This may hold" not in control(AnswerForm({"text": "Ask again"})["text"])


@pytest.mark.req("D15")
def test_the_sentence_is_given_when_the_box_is_left(world: World, client: Client) -> None:
    log_in(client, world.person(Role.COORDINATOR))
    address = reverse("text_check")
    told = client.post(address, {"form-0-comment": "MRN 4471203"}, headers={"HX-Trigger-Name": "form-0-comment"})
    assert told.content.decode().startswith("This may hold a hospital or record number.")
    assert "4471203" not in told.content.decode()
    quiet = client.post(address, {"comment": "Transcription error"}, headers={"HX-Trigger-Name": "comment"})
    assert quiet.content == b""
    assert client.post(address).content == b""


@pytest.mark.req("D15", "D12")
def test_it_is_saved_all_the_same_and_the_next_page_says_so(world: World, client: Client) -> None:
    subject = treated_subject(world, day1=date(2024, 3, 4))
    record(world, subject, "bl", date(2024, 3, 4), {Analyte.SERUM_M: "2.9"})
    anchor, manager = Anchor("subject", subject.pk, ""), world.person(Role.DATA_MANAGER)
    asked = queries.ask(by=manager, at=world.at, token=uuid4(), subject=subject, anchor=anchor, text="Why?")
    log_in(client, world.person(Role.COORDINATOR))
    text = "Spoke to Mrs Miller, tel 507-284-2511"
    page = client.post(reverse("query", args=[asked.pk]), {"action": "answer", "text": text}, follow=True)
    assert "This may hold a name and a telephone number." in page.content.decode()
    assert Query.objects.get(pk=asked.pk).messages.last().text == text  # type: ignore[union-attr]


@pytest.mark.req("D15")
def test_pages_about_staff_say_nothing(world: World, client: Client) -> None:
    log_in(client, world.admin)
    address = reverse("site_change", args=["01"])
    data = {"name": "Clinic of Mr Miller", "time_zone": "UTC", "phone": "507-284-2511", "reason": "Ask Mrs Miller"}
    page = client.post(address, data, follow=True)
    assert "This may hold" not in "".join(str(one) for one in page.context["messages"])
