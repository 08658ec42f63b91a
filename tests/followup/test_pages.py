"""The pages of follow-up: every form works without scripting, keeps what was typed, and knows who may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from followup import exports
from followup.models import Departure, EndOfTreatment, FollowUpContact
from followup.services import Leaving, sweep_reminders
from followup.services.departure import Kind
from followup.views import endings
from followup.views.contacts import STATE_WORDS
from protocol.vocabulary import DueState
from tests.followup.conftest import with_followed, with_treated
from tests.labs.test_pages import form_data
from tests.world import IDENTITY, PASSWORD, World, log_in
from tests.world_followup import contact, end, leave, reached
from tests.world_labs import morning
from trialsite import exports as spine
from trialsite.foresight import NOTHING, Effect
from trialsite.models import Role, Subject

DUE = date(2024, 9, 10)
PAGES = ("subject_end_of_treatment", "subject_departure", "subject_follow_up")
#: Data sets that this road leaves empty.
NOTHING_ASKED = {
    "queries", "query_messages", "parameter_confirmations", "protocol_activations", "source_verifications",
    "locks",
}  # fmt: skip
WRITERS = {
    "subject_end_of_treatment": {Role.INVESTIGATOR},
    "subject_departure": {Role.INVESTIGATOR, Role.COORDINATOR},
    "subject_follow_up": {Role.INVESTIGATOR, Role.COORDINATOR},
}


@pytest.fixture
def coordinator(world: World, client: Client, followed: Subject) -> Client:
    world.at = morning(DUE)
    return log_in(client, world.person(Role.COORDINATOR))


def words(response: Any) -> str:
    return " ".join(response.content.decode().split())


def answered(**more: str) -> dict[str, str]:
    return {
        "action": "contact", "visit_code": "fu06", "contacted_on": "t", "method": "phone", "outcome": "reached",
        "alive": "yes", "progressed": "no", "token": str(uuid4()), **more,
    }  # fmt: skip


# -- who may


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_everybody_with_subjects_reads(world: World, client: Client, followed: Subject, page: str, role: Role) -> None:
    assert log_in(client, world.person(role)).get(reverse(page, args=[followed.key])).status_code == 200


@pytest.mark.req("D9")
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("role", list(Role))
def test_only_site_staff_post(world: World, client: Client, followed: Subject, page: str, role: Role) -> None:
    response = log_in(client, world.person(role)).post(reverse(page, args=[followed.key]), {"action": "take_back"})
    assert (response.status_code != 403) is (role in WRITERS[page])


@pytest.mark.req("B1")
@pytest.mark.parametrize("page", PAGES)
def test_other_sites_and_strangers_find_nothing(world: World, client: Client, followed: Subject, page: str) -> None:
    address = reverse(page, args=[followed.key])
    assert client.get(address).status_code == 302
    log_in(client, world.person(Role.INVESTIGATOR, "02"))
    assert client.get(address).status_code == 404
    assert client.post(address, {"action": "take_back", "reason": "Mine"}).status_code == 404


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("beginning", [World.subject, with_treated, with_followed], ids=lambda one: one.__name__)
def test_every_state_has_its_page(
    world: World, client: Client, page: str, beginning: Callable[[World], Subject]
) -> None:
    subject = beginning(world)
    assert log_in(client, world.person(Role.INVESTIGATOR)).get(reverse(page, args=[subject.key])).status_code == 200


# -- end of treatment


def signed(**more: str) -> dict[str, str]:
    return {"last_dose_on": "t", "reason": "TOXICITY", **IDENTITY, "token": str(uuid4()), **more}


@pytest.mark.req("C1")
def test_the_investigator_signs_with_the_password(world: World, client: Client, treated: Subject) -> None:
    address = reverse("subject_end_of_treatment", args=[treated.key])
    log_in(client, world.person(Role.INVESTIGATOR))
    shown = words(client.get(address))
    assert "184 planned doses of anakinra" in shown or "183 planned doses of anakinra" in shown
    response = client.post(address, signed())
    assert (response.status_code, response["Location"]) == (303, reverse("subject_follow_up", args=[treated.key]))
    stands = words(client.get(address))
    assert "Unacceptable toxicity" in stands
    assert world.person(Role.INVESTIGATOR).printed_name in stands


@pytest.mark.req("E10")
def test_what_the_page_does_not_list_is_shown_before_treatment_ends(
    world: World, client: Client, treated: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endings, "is_listed", lambda effect: effect.label.startswith("Signature"))
    address = reverse("subject_end_of_treatment", args=[treated.key])
    log_in(client, world.person(Role.INVESTIGATOR))
    shown = client.post(address, signed())
    assert (shown.status_code, "From that follows:" in words(shown)) == (422, True)
    assert not EndOfTreatment.objects.exists()
    again = signed(foreseen=form_data(shown.content.decode())["foreseen"])
    assert client.post(address, again).status_code == 303


@pytest.mark.parametrize(
    ("label", "before", "listed"),
    [
        ("Planned doses of anakinra", "184 to 3 Mar 2025", True),
        ("Proposed next", "Low-dose dexamethasone", True),
        ("Signature of Ina Investigator on the end of treatment, 4 Mar 2024", NOTHING, True),
        ("Signature of Ina Investigator on the phase decision, 4 Mar 2024", "Stands", False),
        ("Confirmed response", NOTHING, True),
        ("Confirmed response", "Partial response", False),
        ("Signed decision of 4 Mar 2024", NOTHING, False),
    ],
)
def test_only_what_the_page_lists_is_not_asked_about(label: str, before: str, *, listed: bool) -> None:
    assert endings.is_listed(Effect(label, before, "Broken")) is listed


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"password": "wrong"}, "The user name or the password is not right."),
        ({"password": ""}, "Enter your password to sign."),
        ({"last_dose_on": "31 Feb"}, "This day is not in the calendar."),
        ({"last_dose_on": "+1"}, "is in the future"),
        ({"reason": ""}, "Choose the reason."),
        ({"reason": "OTHER"}, "Describe the other reason."),
    ],
)
def test_what_is_wrong_comes_back_beside_what_was_typed(
    world: World, client: Client, treated: Subject, typed: dict[str, str], sentence: str
) -> None:
    log_in(client, world.person(Role.INVESTIGATOR))
    response = client.post(
        reverse("subject_end_of_treatment", args=[treated.key]), signed(**{"detail": "Rash on both arms", **typed})
        if typed != {"reason": "OTHER"} else signed(**typed)
    )  # fmt: skip
    assert response.status_code == 422
    assert sentence in words(response)
    assert PASSWORD not in words(response)
    if typed != {"reason": "OTHER"}:
        assert "Rash on both arms" in words(response)
    assert not EndOfTreatment.objects.exists()


def test_coordinators_are_told_who_signs(world: World, client: Client, treated: Subject) -> None:
    shown = words(log_in(client, world.person(Role.COORDINATOR)).get(
        reverse("subject_end_of_treatment", args=[treated.key])))  # fmt: skip
    assert "signed by an investigator of the site" in shown
    assert "Sign end of treatment" not in shown


def test_the_investigator_takes_it_back(world: World, client: Client, treated: Subject) -> None:
    end(world, treated, world.at.date())
    address = reverse("subject_end_of_treatment", args=[treated.key])
    log_in(client, world.person(Role.INVESTIGATOR))
    assert client.post(address, {"action": "take_back", "reason": ""}).status_code == 422
    assert once_shown(client, address, {"action": "take_back", "reason": "Wrong subject"}) == 303
    assert "Sign end of treatment" in words(client.get(address))


def test_what_rests_on_it_keeps_it(world: World, client: Client, followed: Subject) -> None:
    contact(world, followed, reached("fu06", DUE))
    log_in(client, world.person(Role.INVESTIGATOR))
    response = client.post(
        reverse("subject_end_of_treatment", args=[followed.key]), {"action": "take_back", "reason": "Wrong"}
    )
    assert response.status_code == 422
    assert "Follow-up contacts rest on this date." in words(response)


# -- departure


def left(**more: str) -> dict[str, str]:
    return {"kind": "DEAD", "on": "t", "reason": "At home", "last_dose_on": "t", "token": str(uuid4()), **more}


def left_once_shown(client: Client, address: str, **more: str) -> int:
    return once_shown(client, address, left(**more))


def once_shown(client: Client, address: str, sent: dict[str, str]) -> int:
    """What follows is shown first; sent again from that page, it is done."""
    shown = client.post(address, sent)
    assert (shown.status_code, "From that follows:" in words(shown)) == (422, True)
    return client.post(address, {**sent, "foreseen": form_data(shown.content.decode())["foreseen"]}).status_code


def test_a_death_is_recorded_and_shown(world: World, client: Client, treated: Subject) -> None:
    address = reverse("subject_departure", args=[treated.key])
    log_in(client, world.person(Role.COORDINATOR))
    missing = client.post(address, left(last_dose_on=""))
    assert missing.status_code == 422
    assert "Say whether progression caused it." in words(missing)
    assert "Enter the date of the last dose." in words(missing)
    assert left_once_shown(client, address, death_due_to_progression="yes") == 303
    shown = words(client.get(address))
    assert "Due to progression</dt><dd>Yes" in shown


@pytest.mark.req("J7")
def test_a_withdrawal_states_its_scope(world: World, client: Client, treated: Subject) -> None:
    address = reverse("subject_departure", args=[treated.key])
    log_in(client, world.person(Role.COORDINATOR))
    assert "Say what consent was withdrawn from." in words(client.post(address, left(kind="WITHDRAWN")))
    assert left_once_shown(client, address, kind="WITHDRAWN", scope="everything") == 303
    assert Departure.objects.get().passive_follow_up_allowed is False
    page = words(client.get(address))
    assert "Everything: nothing more is collected" in page
    assert "Record death" not in page


def test_complaint_29_an_answer_to_a_question_of_another_kind_is_not_kept(
    world: World, client: Client, treated: Subject
) -> None:
    """A scope was chosen, then the kind changed to a death: what is hidden is neither checked nor stored."""
    log_in(client, world.person(Role.COORDINATOR))
    address = reverse("subject_departure", args=[treated.key])
    assert left_once_shown(client, address, death_due_to_progression="yes", scope="everything") == 303
    assert Departure.objects.get().passive_follow_up_allowed is None


@pytest.mark.req("J7")
def test_public_records_may_be_followed_after_a_withdrawal_from_visits(
    world: World, client: Client, treated: Subject
) -> None:
    address = reverse("subject_departure", args=[treated.key])
    log_in(client, world.person(Role.COORDINATOR))
    assert left_once_shown(client, address, kind="WITHDRAWN", scope="visits") == 303
    assert Departure.objects.get().passive_follow_up_allowed is True
    assert "public records may still be followed" in words(client.get(address))
    assert "Public records" in words(client.get(reverse("subject_follow_up", args=[treated.key]) + "?visit=fu06"))
    assert "If the subject has died since" in words(client.get(address))
    assert client.post(address, left(death_due_to_progression="no")).status_code == 303
    assert "Due to progression</dt><dd>No" in words(client.get(address))
    assert Departure.objects.count() == 2


@pytest.mark.req("J7")
def test_a_withdrawal_from_treatment_alone_is_an_end_of_treatment(
    world: World, client: Client, treated: Subject
) -> None:
    address = reverse("subject_departure", args=[treated.key])
    ending = reverse("subject_end_of_treatment", args=[treated.key]) + "?reason=SUBJECT_DECISION"
    for role in (Role.COORDINATOR, Role.INVESTIGATOR):
        log_in(client, world.person(role))
        response = client.post(address, {"kind": "WITHDRAWN", "scope": "treatment"})
        assert (response.status_code, response.headers["Location"]) == (303, ending)
    assert not Departure.objects.exists()
    page = words(client.get(ending))
    assert '<option value="SUBJECT_DECISION" selected>' in page
    assert "a withdrawal from treatment alone is signed here" in page


@pytest.mark.req("J7")
def test_nobody_off_treatment_withdraws_from_treatment(coordinator: Client, followed: Subject) -> None:
    address = reverse("subject_departure", args=[followed.key])
    assert "Study treatment only" not in words(coordinator.get(address))
    refused = coordinator.post(address, left(kind="WITHDRAWN", scope="treatment"))
    assert refused.status_code == 422


def test_a_departure_in_error_stays_on_the_page(coordinator: Client, world: World, followed: Subject) -> None:
    leave(world, followed, Leaving(Kind.LOST, DUE, "Moved away"))
    address = reverse("subject_departure", args=[followed.key])
    assert coordinator.post(address, {"action": "take_back", "reason": ""}).status_code == 422
    assert coordinator.post(address, {"action": "take_back", "reason": "Found again"}).status_code == 303
    shown = words(coordinator.get(address))
    assert "<s>Lost to follow-up, 10 Sep 2024</s>" in shown
    assert "Record departure" in shown


def test_what_the_service_refuses_is_said_on_the_page(coordinator: Client, followed: Subject) -> None:
    address = reverse("subject_departure", args=[followed.key])
    assert "is in the future" in words(coordinator.post(address, left(kind="LOST", on="+1")))
    assert "No departure stands." in words(coordinator.post(address, {"action": "take_back", "reason": "Wrong"}))
    address = reverse("subject_follow_up", args=[followed.key])
    answer = {"action": "not_done", "code": "fu06", "reason": "Abroad"}
    assert coordinator.post(address, answer).status_code == 303
    assert "already" in words(coordinator.post(address, answer))
    gone = coordinator.post(address, {"action": "in_error", "contact": "1", "reason": "Wrong"})
    assert "There is no such contact" in words(gone)


def test_the_kind_can_be_asked_for_in_the_address(coordinator: Client, followed: Subject) -> None:
    shown = words(coordinator.get(reverse("subject_departure", args=[followed.key]) + "?kind=DEAD"))
    assert 'value="DEAD"' in shown.split("checked")[0].rsplit("<input", 1)[1]


# -- follow-up


@pytest.mark.req("E8")
def test_the_page_lists_ten_contacts_and_opens_the_first_that_is_due(coordinator: Client, followed: Subject) -> None:
    shown = words(coordinator.get(reverse("subject_follow_up", args=[followed.key])))
    assert shown.count('class="fub"') == 10
    assert "0 of 10 contacts done" in shown
    assert '<h2 id="record">Follow-up month 6</h2>' in shown


def test_a_contact_is_recorded(coordinator: Client, followed: Subject) -> None:
    address = reverse("subject_follow_up", args=[followed.key])
    response = coordinator.post(address, answered(second_malignancy="Basal-cell carcinoma"))
    assert (response.status_code, response["Location"]) == (303, address)
    shown = words(coordinator.get(f"{address}?visit=fu06"))
    assert "1 of 10 contacts done" in shown
    assert "second malignancy: Basal-cell carcinoma" in shown


def test_one_press_records_what_most_contacts_bring(coordinator: Client, followed: Subject) -> None:
    address = reverse("subject_follow_up", args=[followed.key])
    blank = answered(action="unchanged", outcome="", alive="", progressed="")
    assert coordinator.post(address, {**blank, "contacted_on": ""}).status_code == 422
    assert coordinator.post(address, blank).status_code == 303
    stored = FollowUpContact.objects.get()
    assert (stored.outcome, stored.alive, stored.progressed, stored.new_therapy) == ("reached", True, False, "")


@pytest.mark.parametrize(
    "otherwise", [{"outcome": "not_reached"}, {"alive": "no"}, {"progressed": "yes"}, {"new_therapy": "Lenalidomide"}]
)
def test_one_press_never_overrules_an_answer_on_the_page(
    coordinator: Client, followed: Subject, otherwise: dict[str, str]
) -> None:
    sent = answered(action="unchanged", outcome="", alive="", progressed="") | otherwise
    response = coordinator.post(reverse("subject_follow_up", args=[followed.key]), sent)
    assert response.status_code == 422
    assert "The answers on the page say otherwise." in words(response)
    assert not FollowUpContact.objects.exists()


def test_an_attempt_leaves_the_contact_open(coordinator: Client, followed: Subject) -> None:
    address = reverse("subject_follow_up", args=[followed.key])
    coordinator.post(address, answered(outcome="not_reached", alive="", progressed=""))
    shown = words(coordinator.get(address))
    assert "1, not reached 1" in shown
    assert "0 of 10 contacts done" in shown


def test_a_death_learned_leads_to_the_page_of_departures(coordinator: Client, followed: Subject) -> None:
    response = coordinator.post(reverse("subject_follow_up", args=[followed.key]), answered(alive="no", progressed=""))
    assert response["Location"] == reverse("subject_departure", args=[followed.key]) + "?kind=DEAD"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"alive": ""}, "Say whether the subject is alive."),
        ({"progressed": ""}, "Say whether the myeloma has progressed."),
        ({"progressed": "yes"}, "Enter the date of progression."),
        ({"new_therapy": "Bortezomib"}, "Enter the first day of the therapy."),
        ({"new_therapy_on": "t"}, "Enter the name of the therapy."),
        ({"outcome": ""}, "Say whether somebody was reached."),
        ({"contacted_on": "+1"}, "is in the future"),
    ],
)
def test_a_contact_that_lacks_something_comes_back(
    coordinator: Client, followed: Subject, typed: dict[str, str], sentence: str
) -> None:
    response = coordinator.post(
        reverse("subject_follow_up", args=[followed.key]), answered(comment="Call after 5 pm", **typed)
    )
    assert response.status_code == 422
    assert sentence in words(response)
    assert "Call after 5 pm" in words(response)
    assert not FollowUpContact.objects.exists()


def test_a_contact_is_stated_not_done(coordinator: Client, followed: Subject) -> None:
    address = reverse("subject_follow_up", args=[followed.key])
    assert coordinator.post(address, {"action": "not_done", "code": "fu06", "reason": ""}).status_code == 422
    assert coordinator.post(address, {"action": "not_done", "code": "fu06", "reason": "Abroad"}).status_code == 303
    assert "Not done" in words(coordinator.get(address))
    assert coordinator.post(address, {"action": "not_done", "code": "fu99", "reason": "Abroad"}).status_code == 404


def test_a_contact_is_marked_in_error(coordinator: Client, world: World, followed: Subject) -> None:
    made = contact(world, followed, reached("fu06", DUE))
    address = reverse("subject_follow_up", args=[followed.key])
    wrong = {"action": "in_error", "contact": str(made.pk), "reason": "Another subject"}
    assert coordinator.post(address, {**wrong, "reason": ""}).status_code == 422
    assert coordinator.post(address, {**wrong, "contact": "x"}).status_code == 404
    assert coordinator.post(address, wrong).status_code == 303
    assert "Entered in error: Another subject" in words(coordinator.get(f"{address}?visit=fu06"))
    assert coordinator.post(address, {"action": "nothing"}).status_code == 404


@pytest.mark.req("E8")
def test_the_page_shows_what_was_sent_and_skipped(coordinator: Client, world: World, followed: Subject) -> None:
    sweep_reminders(world.at)
    shown = words(coordinator.get(reverse("subject_follow_up", args=[followed.key])))
    assert "On the due date: sent" in shown
    assert "7 days before: skipped" in shown
    assert "A later reminder went out instead" in shown
    assert "31 days after: planned" in shown


def test_every_state_has_words() -> None:
    assert set(STATE_WORDS) == set(DueState)


@pytest.mark.usefixtures("menu_without_number")
def test_the_number_of_database_queries_is_the_same_for_a_full_page(
    coordinator: Client, world: World, followed: Subject, django_assert_max_num_queries: Any
) -> None:
    address = reverse("subject_follow_up", args=[followed.key])
    coordinator.get(address)
    with django_assert_max_num_queries(45) as few:
        coordinator.get(address)
    for month in range(6, 31, 6):
        when = date(2024 + (2 + month) // 12, (2 + month) % 12 + 1, 10)
        contact(world, followed, reached(f"fu{month:02d}", when))
    sweep_reminders(world.at)
    with django_assert_max_num_queries(len(few)):
        coordinator.get(address)


# -- exports


@pytest.mark.parametrize("dataset", [*exports.DATASETS, *spine.DATASETS], ids=lambda dataset: dataset.name)
def test_every_export_has_its_columns_and_rows(
    coordinator: Client, world: World, followed: Subject, dataset: Any
) -> None:
    sweep_reminders(world.at)
    contact(world, followed, reached("fu06", DUE))
    leave(world, followed, Leaving(Kind.LOST, world.at.date(), "Moved away"))
    with connection.cursor() as cursor:
        cursor.execute(dataset.sql)
        assert [column.name for column in cursor.description] == [column.name for column in dataset.columns]
        rows = cursor.fetchall()
    assert not any("argon2" in str(cell) or "pbkdf2" in str(cell) for row in rows for cell in row)
    assert bool(rows) is (dataset.name not in NOTHING_ASKED)
