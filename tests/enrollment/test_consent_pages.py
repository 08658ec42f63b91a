"""The pages of consent: versions, one subject's consents, what was done before them; and the screening log."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from enrollment.models import Consent, ConsentForm
from enrollment.services import Cause, record_screen_failure
from protocol.vocabulary import Analyte
from tests.labs.test_pages import form_data
from tests.world import World, log_in, new_world
from tests.world_enrollment import answered, form_in_force, new_form, screened, with_labs
from tests.world_followup import who
from tests.world_labs import record
from trialsite import clock
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import AccessEntry, Query, Role, Subject

DAY = timedelta(days=1)


@pytest.fixture
def world(db: None) -> World:
    return made_world()


def made_world() -> World:
    made = new_world(clock.now() - 3 * DAY)
    for site in ("01", "02"):
        form_in_force(made, site)
    made.at = clock.now()
    return made


def text(response: object) -> str:
    return re.sub(r"\s+", " ", response.content.decode())  # type: ignore[attr-defined]


def browser(world: World, role: Role, site: str = "01") -> Client:
    return log_in(Client(), world.person(role, site))


def version(world: World, **changed: object) -> dict[str, object]:
    return {
        "version": "3.0",
        "site": [str(world.sites[code].pk) for code in ("01", "02")],
        "approved_on": "-1",
        "effective_on": "t",
        "needs_reconsent": "yes",
        "changes": "A new risk",
        **changed,
    }


def again(world: World, **changed: str) -> dict[str, str]:
    return {
        "action": "again",
        "token": str(uuid4()),
        "form_version": "3.0",
        "consented_on": "t",
        "consented_time": "00:00",
        "obtained_by": str(world.person(Role.COORDINATOR).user_id),
        "signed_by": "subject",
        **changed,
    }


# -- versions


def test_a_data_manager_adds_a_version_at_several_sites(world: World) -> None:
    client = browser(world, Role.DATA_MANAGER)
    response = client.post(reverse("consent_forms"), version(world))
    assert (response.status_code, response.headers["Location"]) == (302, reverse("consent_forms"))
    page = text(client.get(reverse("consent_forms")))
    assert "Version 3.0 is in the list of site 01, 02." in page
    assert "3.0" in text(browser(world, Role.COORDINATOR).get(reverse("consent_forms")))
    with reading(system_actor("verification"), world.at):
        assert ConsentForm.objects.filter(version="3.0").count() == 2


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"version": ""}, "Enter the version"),
        ({"site": []}, "Tick the sites"),
        ({"effective_on": ""}, "Enter the first day of use."),
        ({"approved_on": "+2", "effective_on": "+2"}, "The approval is in the future."),
        ({"needs_reconsent": ""}, "Answer yes or no."),
        ({"version": "2.0"}, "in the list already"),
    ],
)
def test_a_version_that_cannot_be_is_explained_at_the_field(
    world: World, changed: dict[str, object], words: str
) -> None:
    response = browser(world, Role.ADMIN).post(reverse("consent_forms"), version(world, **changed))
    assert response.status_code == 422
    assert words in text(response)
    assert "A new risk" in text(response), "what was typed is kept"
    with reading(system_actor("verification"), world.at):
        assert not ConsentForm.objects.filter(version="3.0").exists(), "at no site, if not at all"


def test_a_version_listed_in_error_is_taken_back(world: World) -> None:
    form = new_form(world)
    client = browser(world, Role.DATA_MANAGER)
    address = reverse("consent_form", args=[form.pk])
    assert client.post(address, {"reason": ""}).status_code == 422
    assert client.post(address, {"reason": "Wrong site"}).status_code == 302
    assert "listed in error: Wrong site" in text(client.get(reverse("consent_forms")))
    first = ConsentForm.objects.none()
    screened(world)
    with reading(system_actor("verification"), world.at):
        first = ConsentForm.objects.filter(site=world.sites["01"], version="2.0")
        address = reverse("consent_form", args=[first[0].pk])
    assert "1 subject has consented" in text(client.post(address, {"reason": "Old"}))


# -- screening


def test_the_version_in_force_is_offered_first(world: World) -> None:
    new_form(world, on=world.at.date() - DAY)
    page = text(browser(world, Role.COORDINATOR).get(reverse("subject_new")))
    assert re.search(r'<option value="3.0" selected>3.0, in force from', page)
    assert page.index('value="3.0"') < page.index('value="2.0"')


def test_a_likely_duplicate_goes_on_with_a_reason_that_is_kept(world: World) -> None:
    screened(world, birth_year=1958)
    client = browser(world, Role.COORDINATOR)
    what = {
        "token": str(uuid4()),
        "site": str(world.sites["01"].pk),
        "consented_on": "t",
        "consented_time": "00:00",
        "form_version": "2.0",
        "obtained_by": str(world.person(Role.COORDINATOR).user_id),
        "signed_by": "representative",
        "birth_year": "1958",
        "is_adult": "yes",
        "sex": "F",
    }
    asked = client.post(reverse("subject_new"), what)
    assert asked.status_code == 422
    assert "01-S001 has the same year of birth, sex and date of consent." in text(asked)
    assert "Why is this another person?" in text(asked)
    assert client.post(reverse("subject_new"), what | {"another_person_because": "Two cousins"}).status_code == 303
    with reading(system_actor("verification"), world.at):
        consent = Consent.objects.get(subject__screening_number="01-S002")
    assert (consent.another_person_because, consent.signed_by) == ("Two cousins", "representative")
    assert "Not a duplicate: Two cousins" in text(client.get(reverse("screening_log")))


# -- one subject


def test_the_page_tells_what_waits_and_takes_the_new_consent(world: World) -> None:
    subject = screened(world)
    new_form(world)
    client = browser(world, Role.COORDINATOR)
    address = reverse("subject_consent", args=[subject.key])
    page = text(client.get(address))
    assert "wait for consent to version 3.0." in page
    assert "Version 3.0 needed" in page, "also in the bar on top"
    refused = client.post(address, again(world, consented_time="25:00"))
    assert refused.status_code == 422
    assert "Enter a time such as 14:30." in text(refused)
    assert client.post(address, again(world)).status_code == 303
    page = text(client.get(address))
    assert "Consent to version 3.0 is recorded." in page
    assert "wait for consent" not in page
    assert "Version 3.0 needed" not in page


def test_a_consent_is_corrected_on_its_page(world: World) -> None:
    subject = screened(world)
    client = browser(world, Role.COORDINATOR)
    address = reverse("subject_consent", args=[subject.key])
    with reading(system_actor("verification"), world.at):
        consent = Consent.objects.get(subject=subject)
    page = text(client.get(address, {"correct": consent.pk}))
    assert "Correct consent to version 2.0" in page
    fixed = again(world, action="correct", consent=str(consent.pk), form_version="2.0", consented_on="-1")
    missing = client.post(address, fixed)
    assert missing.status_code == 422
    assert "Say why the consent is corrected." in text(missing)
    assert client.post(address, fixed | {"reason": "Read the form again"}).status_code == 303
    with reading(system_actor("verification"), world.at):
        assert Subject.objects.get(pk=subject.pk).screened_on == subject.screened_on - DAY
    assert client.post(address, fixed | {"consent": "999999"}).status_code == 404
    assert client.post(address, {"action": "other"}).status_code == 404


@pytest.mark.req("D12")
@pytest.mark.parametrize(("choice", "days"), [("yours", 2), ("theirs", 1)])
def test_two_people_correcting_one_consent_are_asked_answer_by_answer(world: World, choice: str, days: int) -> None:
    """Theirs: the day, and who signed. Mine: the day, and the time. Asked: the day."""
    subject = screened(world)
    theirs, mine = browser(world, Role.COORDINATOR), browser(world, Role.INVESTIGATOR)
    with reading(system_actor("verification"), world.at):
        consent = Consent.objects.get(subject=subject)
    address = reverse("subject_consent", args=[subject.key]) + f"?correct={consent.pk}"
    boxes = again(world, action="correct", consent=str(consent.pk), form_version="2.0", reason="Read the form again")
    boxes |= {"consented_time": "00:01"}
    stale = form_data(text(mine.get(address)))
    other = {**form_data(text(theirs.get(address))), **boxes, "signed_by": "representative", "consented_on": "-1"}
    assert theirs.post(address, other).status_code == 303
    typed = {**boxes, "consented_on": "-2", "consented_time": "00:00"}
    answer = mine.post(address, {**stale, **typed})
    html = text(answer)
    assert answer.status_code == 409
    assert "saved this consent at" in html
    assert "Choose a value for 1 answer," in html
    assert 'name="consented_on" value="-2"' in html
    assert re.search(r'value="representative"[^>]*checked', html), "what only the other changed stands in the box"
    settled = {**stale, **form_data(html), **typed, "signed_by": "representative", "keep-consented_on": choice}
    assert mine.post(address, settled).status_code == 303
    with reading(system_actor("verification"), world.at):
        now = Consent.objects.get(pk=consent.pk)
    assert (now.signed_by, f"{now.consented_time:%H:%M}") == ("representative", "00:00")
    assert now.consented_on == consent.consented_on - days * DAY


def test_procedures_before_consent_are_confirmed_as_ordinary_care(world: World) -> None:
    subject = screened(world)
    record(world, subject, "scr", subject.screened_on - DAY, {Analyte.WBC: "5.1", Analyte.CREATININE: "0.9"})
    client = browser(world, Role.COORDINATOR)
    address = reverse("subject_consent", args=[subject.key])
    page = text(client.get(address))
    asked = re.findall(r'name="query" value="(\d+)"', page)
    assert len(asked) == 2
    assert "Tick the procedures" in text(client.post(address, {"action": "ordinary_care"}))
    assert client.post(address, {"action": "ordinary_care", "query": asked}).status_code == 303
    assert "2 confirmed as ordinary care." in text(client.get(address))
    with reading(system_actor("verification"), world.at):
        assert set(Query.objects.filter(subject=subject).values_list("state", flat=True)) == {"closed"}


def test_who_only_reads_sees_no_form(world: World) -> None:
    subject = screened(world)
    new_form(world)
    page = text(browser(world, Role.MONITOR).get(reverse("subject_consent", args=[subject.key])))
    assert "wait for consent to version 3.0" in page
    assert '<form method="post"' not in page.split("<main")[1].split("</main>")[0]


# -- the screening log


def with_log(world: World) -> World:
    """One in screening, one failed, one whose consent was withdrawn; a stranger at the other site."""
    screened(world, birth_year=1951)
    failed = screened(world, birth_year=1952)
    with_labs(world, failed, {Analyte.ANC: "1.2"})
    answered(world, failed)
    withdrawn = screened(world, birth_year=1953)
    for subject, cause, words in (
        (failed, Cause.CRITERION, "Neutropenia"),
        (withdrawn, Cause.CONSENT_WITHDRAWN, "=Moved away"),
    ):
        record_screen_failure(
            **who(world, subject),
            token=uuid4(),
            cause=cause,
            failed_on=subject.screened_on,
            reason=words,
            passive_follow_up_allowed=True,
        )
    screened(world, "02", birth_year=1954)
    return world


def test_the_log_names_every_failure_with_its_reason(world: World) -> None:
    log = with_log(world)
    page = text(browser(log, Role.COORDINATOR).get(reverse("screening_log")))
    for words in ("01-S001", "In screening", "Screen failure", "<b>I08</b>", "Neutropenia", "Consent withdrawn"):
        assert words in page, words
    assert "02-S001" not in page
    client = browser(log, Role.DATA_MANAGER)
    assert "02-S001" in text(client.get(reverse("screening_log")))
    filtered = text(client.get(reverse("screening_log"), {"site": "01", "show": "SCREEN_FAILURE"})).split("<main")[1]
    assert re.findall(r"\d\d-S\d\d\d", filtered) == ["01-S002"]
    assert "Nobody matches." in text(client.get(reverse("screening_log"), {"site": "02", "show": "REGISTERED"}))


@pytest.mark.req("A5")
def test_the_log_as_a_file_says_the_same_and_its_leaving_is_noted(fresh_db: object) -> None:
    log = with_log(made_world())
    response = browser(log, Role.COORDINATOR).get(reverse("screening_log_csv"))
    assert response.headers["Content-Disposition"] == 'attachment; filename="screening_log.csv"'
    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))  # type: ignore[attr-defined]
    assert [(row["screening_number"], row["outcome"], row["criteria"]) for row in rows] == [
        ("01-S001", "IN_SCREENING", ""),
        ("01-S002", "SCREEN_FAILURE", "I08"),
        ("01-S003", "CONSENT_WITHDRAWN", ""),
    ]
    assert rows[2]["reason"].startswith("'="), "no cell becomes a formula"
    assert rows[0]["signed_by"] == "The subject"
    with reading(system_actor("verification"), log.at):
        assert AccessEntry.objects.filter(what="Export: screening_log.csv").exists()
    other = browser(log, Role.DATA_MANAGER).get(reverse("screening_log_csv"), {"site": "02"})
    assert other.headers["Content-Disposition"] == 'attachment; filename="screening_log_02.csv"'
    assert b"01-S" not in b"".join(other.streaming_content)  # type: ignore[attr-defined]
