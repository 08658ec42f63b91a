"""The pages of enrollment: each role, a foreign site, without scripting, what was typed, repeated submissions."""

from __future__ import annotations

import re
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from enrollment.selectors import current_answers, failure_of, latest_snapshot, site_day
from enrollment.services import Answer
from protocol.vocabulary import Analyte, Phase
from tests.world import IDENTITY, World, log_in, new_world
from tests.world_enrollment import (
    GOOD_ANSWERS,
    answered,
    complete,
    correct,
    form_in_force,
    registered,
    screened,
    sent,
    signed,
    with_labs,
)
from trialsite import clock
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.days import in_words
from trialsite.models import Role, Subject

PAGES = ("subject_eligibility", "subject_registration", "subject_screen_failure")


@pytest.fixture
def world(db: None) -> World:
    made = new_world(clock.now())
    for site in ("01", "02"):
        form_in_force(made, site)
    return made


def text(response: object) -> str:
    return re.sub(r"\s+", " ", response.content.decode())  # type: ignore[attr-defined]


def browser(world: World, role: Role, site: str = "01") -> Client:
    return log_in(Client(), world.person(role, site))


def checklist_data(client: Client, subject: Subject, changed: dict[str, str] | None = None) -> dict[str, str]:
    """What a browser would post: the hidden fields of the page and every good answer."""
    page = text(client.get(reverse("subject_eligibility", args=[subject.key]), {"edit": "1"}))
    seen = re.search(r'name="seen" value="(\d+)"', page)
    assert seen
    return {**GOOD_ANSWERS, "assessed_on": "t", "reason": "", "seen": seen[1], **(changed or {})}


def stored(world: World, subject: Subject) -> Subject:
    with reading(system_actor("verification"), world.at):
        return Subject.objects.get(pk=subject.pk)


def new_subject(world: World, **changed: str) -> dict[str, str]:
    return {
        "token": str(uuid4()),
        "site": str(world.sites["01"].pk),
        "consented_on": "t",
        "consented_time": "00:00",
        "form_version": "2.0",
        "obtained_by": str(world.person(Role.COORDINATOR).user_id),
        "signed_by": "subject",
        "birth_year": "1958",
        "is_adult": "yes",
        "sex": "F",
        **changed,
    }


# -- screening


def test_a_coordinator_screens_a_subject(world: World) -> None:
    client = browser(world, Role.COORDINATOR)
    page = text(client.get(reverse("subject_new")))
    assert "next number 01-S001" in page
    response = client.post(reverse("subject_new"), new_subject(world))
    assert response.status_code == 303
    with reading(system_actor("verification"), world.at):
        subject = Subject.objects.get()
    assert response.headers["Location"] == reverse("subject_eligibility", args=[subject.key])
    assert "01-S001 is in screening." in text(client.get(response.headers["Location"]))


@pytest.mark.req("D13")
def test_a_double_click_screens_once(world: World) -> None:
    client = browser(world, Role.COORDINATOR)
    data = new_subject(world)
    places = {client.post(reverse("subject_new"), data).headers["Location"] for _ in range(2)}
    assert len(places) == 1
    with reading(system_actor("verification"), world.at):
        assert Subject.objects.count() == 1


def test_a_duplicate_is_asked_about_and_may_be_another_person(world: World) -> None:
    client = browser(world, Role.COORDINATOR)
    client.post(reverse("subject_new"), new_subject(world))
    asked = client.post(reverse("subject_new"), new_subject(world, birth_year="1958"))
    assert asked.status_code == 422
    assert "01-S001 has the same year of birth" in text(asked)
    assert 'value="1958"' in text(asked), "what was typed is kept"
    ticked = client.post(reverse("subject_new"), new_subject(world, another_person_because="Two persons"))
    assert ticked.status_code == 303


@pytest.mark.req("D3")
@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"consented_on": ""}, "Enter the date of consent."),
        ({"consented_on": "+3"}, "The date of consent is in the future. Check the year."),
        ({"consented_on": "3/4/2026"}, "Did you mean 3 Apr 2026 or 4 Mar 2026?"),
        ({"consented_time": "25:00"}, "Enter a time such as 14:30."),
        ({"birth_year": "58?"}, "Enter four digits"),
        ({"birth_year": "2020"}, "was not 18 on the day of consent"),
        ({"is_adult": ""}, "Answer yes or no."),
        ({"sex": "X"}, "Choose one of the answers."),
        ({"form_version": ""}, "Choose the version"),
    ],
)
def test_what_cannot_be_comes_back_with_a_sentence(world: World, changed: dict[str, str], words: str) -> None:
    client = browser(world, Role.COORDINATOR)
    response = client.post(reverse("subject_new"), new_subject(world, **changed))
    assert response.status_code == 422
    assert words in text(response)
    with reading(system_actor("verification"), world.at):
        assert not Subject.objects.exists()


@pytest.mark.req("A5")
def test_a_coordinator_cannot_choose_another_site(world: World) -> None:
    client = browser(world, Role.COORDINATOR)
    assert "02-S001" not in text(client.get(reverse("subject_new")))
    response = client.post(reverse("subject_new"), new_subject(world, site=str(world.sites["02"].pk)))
    assert response.status_code == 422


@pytest.mark.req("A8", "D9")
@pytest.mark.parametrize("role", [Role.ADMIN, Role.DATA_MANAGER, Role.MONITOR, Role.STATISTICIAN])
def test_only_site_staff_reaches_the_screening_page(world: World, role: Role) -> None:
    client = browser(world, role)
    assert client.get(reverse("subject_new")).status_code == 403
    assert client.post(reverse("subject_new"), new_subject(world)).status_code == 403


# -- the checklist


@pytest.mark.req("D2", "D5")
def test_open_rows_are_tinted_and_counted(world: World) -> None:
    subject = screened(world)
    with_labs(world, subject)
    client = browser(world, Role.COORDINATOR)
    answered(world, subject, {"nyha": "", "needs_chemo": ""})
    page = text(client.get(reverse("subject_eligibility", args=[subject.key])))
    assert "17 of 19 decided" in page
    assert page.count('<tr role="row" class="todo" data-open>') == 2
    assert "I05, E05" in page


@pytest.mark.req("D2")
def test_the_filter_hides_what_is_decided_and_loses_nothing_typed(world: World) -> None:
    subject = screened(world)
    with_labs(world, subject)
    client, place = browser(world, Role.COORDINATOR), reverse("subject_eligibility", args=[subject.key])
    page = text(client.get(place, {"show": "unanswered"}))
    undecided = page.count(" data-open>")
    assert f"Unanswered <b>{undecided}</b>" in page
    rows = re.findall(r'<tr role="row"( class="todo" data-open| hidden)?>', page)
    assert (rows.count(" hidden") > 0, rows.count("")) == (True, 1), "only the heading is neither open nor hidden"
    assert text(client.get(place)).count('<tr role="row" hidden>') == 0
    refused = text(client.post(f"{place}?show=unanswered", {"action": "save", "assessed_on": "x"}))
    assert '<tr role="row" hidden>' not in refused, "nothing that has to be mended is hidden"


@pytest.mark.req("D2")
def test_evidence_from_data_is_linked_and_cannot_be_answered(world: World) -> None:
    subject = screened(world)
    with_labs(world, subject)
    client = browser(world, Role.COORDINATOR)
    address = reverse("subject_eligibility", args=[subject.key])
    page = text(client.get(address))
    labs = reverse("visit_labs", args=[subject.key, "scr"])
    assert f'White cells <a href="{labs}">5.1 × 10⁹/L</a>, {in_words(site_day(world.at, subject.site))}' in page
    assert f'<a href="{reverse("visit_disease", args=[subject.key, "scr"])}">14 %</a>' in page
    assert "Upper limit" in page
    row = page[page.index('id="k_I07"') : page.index('id="k_I08"')]
    assert ("Yes, <small" in row, "from data" in row, "<input" in row) == (True, True, False)
    client.post(address, {**checklist_data(client, subject), "wbc": "9", "I07": "yes", "action": "save"})
    with reading(system_actor("verification"), world.at):
        assert "wbc" not in current_answers(subject)


@pytest.mark.req("D2")
def test_an_answer_that_rules_out_is_said_at_once(world: World) -> None:
    subject = screened(world)
    client = browser(world, Role.COORDINATOR)
    address = reverse("subject_eligibility", args=[subject.key])
    assert '<label class="out">' in text(client.get(address))
    data = {**checklist_data(client, subject, {"nyha": "3"}), "action": "save"}
    assert client.post(address, data).status_code == 303
    page = text(client.get(address))
    assert "E05 is not met: this subject cannot be registered." in page
    assert reverse("subject_screen_failure", args=[subject.key]) in page


@pytest.mark.req("D1", "D2")
def test_the_whole_road_in_the_browser(world: World) -> None:
    subject = screened(world)
    with_labs(world, subject)
    coordinator, investigator = browser(world, Role.COORDINATOR), browser(world, Role.INVESTIGATOR)
    address = reverse("subject_eligibility", args=[subject.key])
    answer = coordinator.post(address, {**checklist_data(coordinator, subject), "action": "send"})
    assert answer.status_code == 303
    page = text(coordinator.get(address))
    assert "It waits for an investigator of the site." in page
    assert "Sign eligibility" not in page
    review = text(investigator.get(address))
    snapshot = re.search(r'name="snapshot" value="(\d+)"', review)
    assert snapshot
    assert "confirm that this subject is eligible" in review
    wrong = investigator.post(address, {"action": "sign", "snapshot": snapshot[1], **IDENTITY, "password": "wrong"})
    assert (wrong.status_code, "The user name or the password is not right." in text(wrong)) == (422, True)
    right = investigator.post(address, {"action": "sign", "snapshot": snapshot[1], **IDENTITY})
    assert right.status_code == 303
    registration = reverse("subject_registration", args=[subject.key])
    assert registration in text(coordinator.get(address))
    page = text(coordinator.get(registration))
    assert "01-001" in page
    token = re.search(r'name="token" value="([\w-]+)"', page)
    assert token
    for _ in range(2):
        assert coordinator.post(registration, {"token": token[1]}).status_code == 303
    now = stored(world, subject)
    assert (now.number, now.state) == ("01-001", Phase.ENROLLED)
    assert "Registered on" in text(coordinator.get(address))


@pytest.mark.req("D12")
@pytest.mark.parametrize(("choice", "kept"), [("yours", "2"), ("theirs", "1")])
def test_two_people_on_one_checklist(world: World, choice: str, kept: str) -> None:
    """Each question that both answered is asked; what only one of them answered stands."""
    subject = complete(world)
    client = browser(world, Role.COORDINATOR)
    today = site_day(world.at, subject.site)
    typed = {"nyha": "2", "asthma_ibd": "unk", "diagnosis_on": in_words(today), "iv_antibiotics_on": in_words(today)}
    data = {**checklist_data(client, subject, typed), "action": "save"}
    correct(world, subject, "nyha", Answer("1", today))
    correct(world, subject, "pregnant", Answer("unk", today))
    correct(world, subject, "iv_antibiotics", Answer("yes", date(2024, 1, 2)))
    address = reverse("subject_eligibility", args=[subject.key])
    asked = client.post(address, data)
    page = text(asked)
    assert asked.status_code == 409
    assert "Choose a value for 1 answer, then save again." in page
    assert re.search(r'name="nyha" value="2"[^>]*checked', page), "what was chosen is kept"
    assert re.search(r'name="pregnant" value="unk"[^>]*checked', page), "what only the other changed is shown"
    seen = re.search(r'name="seen" value="(\d+)"', page)
    assert seen
    again = {**data, "seen": seen[1], "pregnant": "unk", "iv_antibiotics": "yes", "iv_antibiotics_on": "2 jan 2024"}
    assert client.post(address, {**again, "keep-nyha": choice}).status_code == 303
    with reading(system_actor("verification"), world.at):
        now = {item: one.value for item, one in current_answers(subject).items()}
    assert (now["nyha"], now["asthma_ibd"], now["pregnant"], now["iv_antibiotics"]) == (kept, "unk", "unk", "yes")


def test_a_correction_after_sending_asks_why(world: World) -> None:
    subject = complete(world)
    sent(world, subject)
    client = browser(world, Role.COORDINATOR)
    address = reverse("subject_eligibility", args=[subject.key])
    data = {**checklist_data(client, subject, {"nyha": "1"}), "action": "save"}
    response = client.post(address, data)
    assert (response.status_code, "Say why a saved answer changes." in text(response)) == (422, True)
    assert client.post(address, {**data, "reason": "Echo"}).status_code == 303


def test_dates_in_the_future_are_told_at_the_box(world: World) -> None:
    subject = screened(world)
    client = browser(world, Role.COORDINATOR)
    data = checklist_data(client, subject, {"iv_antibiotics": "yes", "iv_antibiotics_on": "+3"})
    response = client.post(reverse("subject_eligibility", args=[subject.key]), {**data, "action": "save"})
    assert response.status_code == 422
    assert "The date is in the future. Check the year." in text(response)


def test_sending_what_is_undecided_saves_and_says_what_is_missing(world: World) -> None:
    subject = screened(world)
    client = browser(world, Role.COORDINATOR)
    data = {**checklist_data(client, subject), "action": "send"}
    response = client.post(reverse("subject_eligibility", args=[subject.key]), data)
    assert response.status_code == 422
    assert "The answers were saved. Not decided yet: I03" in text(response)
    with reading(system_actor("verification"), world.at):
        assert len(current_answers(subject)) == 20
        assert latest_snapshot(subject) is None


@pytest.mark.req("D2")
def test_a_changed_checklist_is_not_offered_for_signature(world: World) -> None:
    subject = complete(world)
    snapshot = sent(world, subject)
    answered(world, subject, {"nyha": "1"}, reason="Echo")
    investigator = browser(world, Role.INVESTIGATOR)
    address = reverse("subject_eligibility", args=[subject.key])
    page = text(investigator.get(address))
    assert "The evidence has changed since the checklist was sent" in page
    assert "Sign eligibility" not in page
    forced = investigator.post(address, {"action": "sign", "snapshot": str(snapshot.pk), **IDENTITY})
    assert (forced.status_code, "Review it and send it again." in text(forced)) == (422, True)


@pytest.mark.req("C4")
def test_a_broken_signature_is_shown_as_broken(world: World) -> None:
    subject = complete(world)
    signed(world, subject, sent(world, subject))
    answered(world, subject, {"nyha": "1"}, reason="Echo")
    page = text(browser(world, Role.INVESTIGATOR).get(reverse("subject_eligibility", args=[subject.key])))
    assert "Broken signature" in page
    assert "Echo" in page
    assert "Register subject" not in page


# -- the other end


def test_a_screen_failure_in_the_browser(world: World) -> None:
    subject = screened(world)
    with_labs(world, subject, {Analyte.WBC: "3.0"})
    client = browser(world, Role.COORDINATOR)
    address = reverse("subject_screen_failure", args=[subject.key])
    page = text(client.get(address))
    assert "<b>I07</b> White blood cells" in page
    data = {"token": str(uuid4()), "cause": "criterion", "failed_on": "t", "reason": ""}
    refused = client.post(address, data)
    assert (refused.status_code, "Say why screening ends." in text(refused)) == (422, True)
    assert client.post(address, {**data, "reason": "Neutropenia"}).status_code == 303
    with reading(system_actor("verification"), world.at):
        failure = failure_of(subject)
    assert failure is not None
    assert failure.criteria == ["I07"]
    assert "I07 not met. Neutropenia" in text(client.get(reverse("subject_eligibility", args=[subject.key])))


def test_a_withdrawal_in_screening_states_its_scope(world: World) -> None:
    subject = screened(world)
    client = browser(world, Role.COORDINATOR)
    address = reverse("subject_screen_failure", args=[subject.key])
    data = {"token": str(uuid4()), "cause": "consent_withdrawn", "failed_on": "t", "reason": "Moved away"}
    refused = client.post(address, data)
    assert (refused.status_code, "Say what consent was withdrawn from." in text(refused)) == (422, True)
    assert client.post(address, {**data, "scope": "visits"}).status_code == 303
    with reading(system_actor("verification"), world.at):
        failure = failure_of(subject)
    assert failure is not None
    assert failure.passive_follow_up_allowed is True
    page = text(client.get(reverse("subject_eligibility", args=[subject.key])))
    assert "public records may still be followed" in page


def test_a_failure_without_a_criterion_is_refused_beside_the_form(world: World) -> None:
    subject = screened(world)
    client = browser(world, Role.COORDINATOR)
    data = {"token": str(uuid4()), "cause": "criterion", "failed_on": "t", "reason": "A long story"}
    response = client.post(reverse("subject_screen_failure", args=[subject.key]), data)
    assert response.status_code == 422
    assert "No criterion is answered as not met" in text(response)
    assert "A long story" in text(response)


# -- who may see what

READS = {
    "subject_eligibility": {Role.COORDINATOR, Role.INVESTIGATOR, Role.DATA_MANAGER, Role.MONITOR, Role.STATISTICIAN},
    "subject_registration": {Role.COORDINATOR, Role.INVESTIGATOR},
    "subject_screen_failure": {Role.COORDINATOR, Role.INVESTIGATOR},
}


@pytest.mark.req("A5", "A8", "D9")
@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("name", PAGES)
def test_each_page_by_role(world: World, role: Role, name: str) -> None:
    subject = complete(world)
    client = browser(world, role)
    address = reverse(name, args=[subject.key])
    assert client.get(address).status_code == (200 if role in READS[name] else 403)
    if role not in {Role.COORDINATOR, Role.INVESTIGATOR}:
        data = {"action": "save", "seen": "0", "nyha": "2", "assessed_on": "t", "token": str(uuid4())}
        assert client.post(address, data).status_code == 403
        with reading(system_actor("verification"), world.at):
            assert current_answers(subject)["nyha"].value == "0"


@pytest.mark.req("A5")
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.INVESTIGATOR])
def test_another_site_finds_nothing(world: World, name: str, role: Role) -> None:
    subject = complete(world)
    client = browser(world, role, "02")
    address = reverse(name, args=[subject.key])
    assert client.get(address).status_code == 404
    assert client.post(address, {"action": "save"}).status_code == 404


def test_a_coordinator_cannot_sign_by_hand(world: World) -> None:
    subject = complete(world)
    snapshot = sent(world, subject)
    client = browser(world, Role.COORDINATOR)
    data = {"action": "sign", "snapshot": str(snapshot.pk), **IDENTITY}
    assert client.post(reverse("subject_eligibility", args=[subject.key]), data).status_code == 403


def test_an_unknown_action_is_not_found(world: World) -> None:
    subject = complete(world)
    client = browser(world, Role.COORDINATOR)
    assert client.post(reverse("subject_eligibility", args=[subject.key]), {"action": "x"}).status_code == 404


@pytest.mark.usefixtures("menu_without_number")
def test_the_checklist_asks_the_database_a_constant_number_of_times(
    world: World, django_assert_max_num_queries: object
) -> None:
    subject = registered(world)
    client = browser(world, Role.COORDINATOR)
    with django_assert_max_num_queries(45):  # type: ignore[operator]
        client.get(reverse("subject_eligibility", args=[subject.key]))


def test_results_too_old_are_named_with_the_date(db: None) -> None:
    world = new_world(clock.now() - timedelta(days=40))
    subject = complete(world)
    page = text(browser(world, Role.COORDINATOR).get(reverse("subject_eligibility", args=[subject.key])))
    assert "5.1 is older than 28 days" in page


@pytest.mark.req("D2")
def test_the_checklist_says_until_when_evidence_counts_and_where_it_stands(world: World) -> None:
    """Blood counts for 28 days, marrow for 90, a pregnancy test for 7; each value leads to its source record."""
    subject = complete(world)
    page = text(browser(world, Role.COORDINATOR).get(reverse("subject_eligibility", args=[subject.key])))
    day = site_day(world.at, subject.site)
    for days in (7, 28, 90):
        assert f"counts until {in_words(day + timedelta(days=days))}" in page
    assert f"<dt>Register by</dt><dd>{in_words(day + timedelta(days=7))}</dd>" in page
    for place in (reverse("visit_labs", args=[subject.key, "scr"]), reverse("subject_consent", args=[subject.key])):
        assert f'href="{place}"' in page
    assert "2.6 g/dL" in page
    assert "Registry, version 1.0" in page
    assert "The abstract of 2004 leaves out the urine limb of I03." in page
