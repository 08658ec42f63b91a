"""Never lose work: drafts of every form, seen by their author alone, gone with the first save."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from urllib.parse import quote, unquote
from uuid import uuid4

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from enrollment.selectors import consents_of
from labs.models import LabResult
from labs.services import cancel_import
from protocol.safety_clocks import ClockName
from protocol.vocabulary import Analyte
from reporting.datasets import DATASETS
from safety.models import ConcomitantMedication, SafetyReport
from tests.enrollment.test_waivers import ask
from tests.safety.test_reports import PANCREATITIS, report_of, told
from tests.world import PASSWORD, World, log_in, new_world
from tests.world_enrollment import answered, central_laboratory, screened
from tests.world_everything import Ward, furnish
from tests.world_imports import acting, csv_of, line, upload
from tests.world_labs import record, treated_subject
from tests.world_safety import reported
from trialsite.access import Duty, system_actor
from trialsite.context import own_account, reading
from trialsite.draft_forms import FORMS
from trialsite.models import AuditEvent, Draft, Role, Subject, User
from trialsite.services.drafts import MOST_CHARACTERS, end_draft, save_draft
from trialsite.services.subjects import Refused
from trialsite.sessions import ACTIVE, BEGAN

MONTH1 = date(2024, 4, 4)


@pytest.fixture
def world(db: None) -> World:
    return new_world()


@pytest.fixture
def subject(world: World) -> Subject:
    return treated_subject(world, day1=date(2024, 3, 4))


@pytest.fixture
def coordinator(world: World, client: Client) -> Client:
    return log_in(client, world.person(Role.COORDINATOR))


OF_A_FILE = ("lab_import_map", "lab_import_review")
#: Form -> who fills it in, where that is nobody of the site's investigators.
OTHERS = {
    "query close": Role.DATA_MANAGER, "query_new": Role.DATA_MANAGER,
    **dict.fromkeys(OF_A_FILE, Role.COORDINATOR),
}  # fmt: skip


@dataclass
class Furnished:
    """A subject for each form: screened, with a criterion that is not met, under treatment, in follow-up."""

    world: World
    ward: Ward
    unmet: Subject
    asked: Subject
    informed: SafetyReport

    def of(self, name: str) -> Subject:
        subjects = {
            "subject_consent": self.ward.screened,
            "subject_eligibility": self.ward.screened,
            "subject_screen_failure": self.ward.screened,
            "subject_waiver": self.unmet,
            "subject_waiver decide": self.asked,
            "subject_follow_up": self.ward.followed,
            "subject_safety_report news": self.informed.subject,
        }
        return subjects.get(name, self.ward.treated)

    def page(self, name: str) -> str:
        """The address of the form."""
        path, _, form = name.partition(" ")
        more: dict[str, object] = {
            **dict.fromkeys(("visit", "visit_labs", "visit_disease"), "m06"),
            "adverse_event": 1,
            "subject_safety_report": self.informed.number if form else 1,
            "subject_waiver": "E05",
        }
        if path in ("query", "query_new", "subject_new", *OF_A_FILE):
            known = {"query": [self.ward.query.pk], **{one: [self.ward.imported.pk] for one in OF_A_FILE}}
            page = reverse(path, args=known.get(path, []))
        else:
            page = reverse(path, args=[self.of(name).key, *([more[path]] if path in more else [])])
        return page + self.query(path, form)

    def query(self, path: str, form: str) -> str:
        if path == "subject_consent":
            with reading(self.world.person(Role.COORDINATOR), self.world.at):
                return f"?correct={consents_of(self.ward.screened)[0].pk}"
        day = "&day=2024-03-04" if form == "day" else ""
        asked = {"query_new": f"?record=lab_result%3A{self.ward.result.pk}&item=serum_m"}
        of_a_term = "?term=Headache" if path.startswith("adverse_event") else ""
        return (f"?form={form}{day}" if form else "") or asked.get(path, of_a_term)

    def open(self, name: str) -> tuple[Client, str]:
        """A browser of who fills the form in, and the address of the page."""
        page = self.page(name)
        client = log_in(Client(), self.world.person(OTHERS.get(name, Role.INVESTIGATOR)))
        if name == "subject_follow_up":
            found = re.search(r"page=([^\"&]+)\"", client.get(page).content.decode())
            assert found
            page = unquote(found[1])
        return client, page

    def address(self, name: str, page: str) -> str:
        """Where its drafts are sent."""
        if name in ("subject_new", *OF_A_FILE):
            return f"{reverse('draft')}?page={quote(page)}"
        return draft_address(self.of(name), page)


@pytest.fixture
def furnished(world: World) -> Furnished:
    ward, unmet, asked = furnish(world, "01"), screened(world), screened(world)
    for each in (unmet, asked):
        answered(world, each, {"nyha": "3"})
    ask(world, asked, "E05")
    with reading(system_actor("verification"), world.at):
        report = report_of(reported(world, ward.treated, PANCREATITIS))
        informed = told(world, told(world, report), ClockName.AUTHORITY)
    return Furnished(world, ward, unmet, asked, informed)


def labs(subject: Subject) -> str:
    return reverse("visit_labs", args=[subject.key, "m01"])


def medications(subject: Subject) -> str:
    return reverse("subject_medications", args=[subject.key])


def draft_address(subject: Subject, page: str) -> str:
    return f"{reverse('subject_draft', args=[subject.key])}?page={quote(page)}"


def hidden(client: Client, url: str) -> dict[str, str]:
    """Hidden fields of the page, as a browser would send them."""
    return hidden_in(client.get(url).content.decode())


def hidden_in(html: str) -> dict[str, str]:
    tags = re.findall(r"<input type=\"hidden\"[^>]*>", html)
    pairs = [(re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)) for tag in tags]
    return {name[1]: value[1] for name, value in pairs if name and value and name[1] != "csrfmiddlewaretoken"}


def drafts(world: World, role: Role = Role.COORDINATOR, site: str = "01") -> list[Draft]:
    with reading(world.person(role, site), world.at):
        return list(Draft.objects.order_by("id"))


# ---------------------------------------------------------------- one way for every form

#: Form -> what is typed, readable or not, and how the page shows it when it is opened again (…: the rest of the tag).
TYPED: dict[str, tuple[dict[str, str], list[str]]] = {
    "visit": ({"occurred_on": "soonish", "weight_kg": "7l.5", "ecog": "2"}, ['"soonish"', '"7l.5"', '"2"… selected']),
    "visit_labs": ({"collected_on": "soonish", "hb": "11,8x", "plt": "nd"}, ['value="soonish"', 'value="11,8x"']),
    "visit_disease": ({"marrow_on": "t", "bm_pc": "abc", "serum_ife": "NEGATIVE"}, ['value="abc"', 'value="t"']),
    "subject_visits": ({"occurred_on": "noon", "reason": "To confirm it"}, ['"noon"', "To confirm it"]),
    "subject_follow_up": ({"contacted_on": "-3", "outcome": "reached", "comment": "Felt well"}, ["Felt well", "-3"]),
    "subject_end_of_treatment": ({"last_dose_on": "12mar", "detail": "Moved away"}, ["Moved away", "12mar"]),
    "subject_departure": ({"on": "1feb", "reason": "Not reached by letter"}, ["Not reached by letter", "1feb"]),
    "subject_new": ({"consented_on": "31feb", "birth_year": "19x0", "sex": "F"}, ['"31feb"', '"19x0"', '"F"… checked']),
    "subject_identity": ({"birth_year": "196O", "reason": "Read the card"}, ['"196O"', "Read the card"]),
    "subject_consent": (
        {"consented_on": "31feb", "consented_time": "25h", "reason": "Re"},
        ['"31feb"', '"25h"', '"Re"'],
    ),
    "subject_eligibility": ({"assessed_on": "2jan", "ecog": "0"}, ["2jan"]),
    "subject_screen_failure": ({"failed_on": "31feb", "reason": "Moved away"}, ['"31feb"', "Moved away"]),
    "subject_waiver": ({"reason": "Stable for years"}, ["Stable for years"]),
    "subject_waiver decide": ({"reason": "Benign", "decision": "refused"}, ['value="Benign"', '"refused"… checked']),
    "adverse_event_new": ({"started": "mar", "reported_as": "Ill since Monday"}, ['value="mar"', "Ill since Monday"]),
    "adverse_event": ({"started": "jan", "change_words": "Read the letter"}, ['value="jan"', "Read the letter"]),
    "subject_medications": ({"name": "Aspirin", "started": "mar", "is_anti_myeloma": "on"}, ["Aspirin", "checked"]),
    "pregnancy_new": ({"moment_on": "31feb", "narrative": "The partner"}, ['"31feb"', "The partner"]),
    "subject_safety_report": ({"moment_time": "25h", "narrative": "Fell ill"}, ['"25h"', "Fell ill"]),
    "subject_safety_report news": ({"moment_on": "31feb", "narrative": "Echo normal"}, ['"31feb"', "Echo normal"]),
    "subject_dosing day": ({"anakinra": "missed", "anakinra_detail": "Flight"}, ['"missed"… checked', '"Flight"']),
    "subject_dosing fill": ({"first_on": "31feb", "detail": "On the road"}, ['"31feb"', '"On the road"']),
    "subject_dosing undo": ({"last_on": "31feb", "why": "Other subject"}, ['"31feb"', '"Other subject"']),
    "subject_modifications": ({"mg": "2O", "starts_on": "31feb", "why": "Rash"}, ['"2O"', '"31feb"', '"Rash"']),
    "query answer": ({"text": "The report says"}, ["The report says"]),
    "query close": ({"text": "Seen in the source"}, ["Seen in the source"]),
    "query_new": ({"text": "Is this the unit?"}, ["Is this the unit?"]),
    "lab_import_map": ({"subject": "Accession", "unit": ""}, ['value="Accession"… selected']),
    "lab_import_review": ({"1-unit": "mg/dL", "1-remember": "on"}, ['"mg/dL"… selected', '"1-remember" checked']),
}


def test_every_form_that_keeps_drafts_is_tried() -> None:
    assert set(TYPED) == set(FORMS)


@pytest.mark.req("D3", "A12")
def test_a_draft_comes_back_with_everything_as_typed(furnished: Furnished) -> None:
    """Whatever stands in the boxes, readable or not; without scripting the button does it and leads back."""
    lost = {}
    for name, (typed, shown) in TYPED.items():
        client, page = furnished.open(name)
        answer = client.post(furnished.address(name, page), {**hidden(client, page), **typed}, follow=True)
        html = answer.content.decode()
        wanted = [*shown, "Draft saved", "All that you typed stands below", "Discard draft"]
        lost[name] = [one for one in wanted if not re.search(re.escape(one).replace("…", "[^>]*"), html)]
        if answer.redirect_chain != [(page, 303)]:
            lost[name].append(f"led to {answer.redirect_chain}")
        work = client.get(reverse("my_work")).content.decode() if name != "query close" else f'href="{page}"'
        if f'href="{escape(page)}"' not in work and f'href="{page}"' not in work:
            lost[name].append("the work list does not lead to it")
    assert {name: missing for name, missing in lost.items() if missing} == {}


#: Form -> the button that sends it. The others have one.
ACTIONS = {
    "visit": "facts", "visit_labs": "save", "subject_identity": "correct", "subject_consent": "correct",
    "subject_eligibility": "save", "subject_follow_up": "contact", "adverse_event": "correct",
    "subject_safety_report": "save", "subject_safety_report news": "news", "subject_dosing fill": "fill",
    "subject_dosing undo": "undo", "subject_modifications": "order", "subject_waiver decide": "decide",
}  # fmt: skip
#: What is typed there is complete, and saved at once.
NOTHING_UNREADABLE = {
    "subject_waiver", "subject_dosing day", "query answer", "query close", "query_new", "lab_import_review",
}  # fmt: skip


@pytest.mark.req("D3")
def test_what_cannot_be_read_stands_there_again(furnished: Furnished) -> None:
    """Every form, sent with boxes that cannot be read or left out: refused, and all that was typed stands there."""
    lost = {}
    for name, (typed, shown) in TYPED.items():
        if name in NOTHING_UNREADABLE:
            continue
        client, page = furnished.open(name)
        page, boxes = page.partition("&form=")[0], {**own_boxes(client, page, name), **typed}
        answer = client.post(page, {**boxes, **({"action": ACTIONS[name]} if name in ACTIONS else {})})
        html = answer.content.decode()
        missing = [one for one in shown if not re.search(re.escape(one).replace("…", "[^>]*"), html)]
        if missing or answer.status_code != 422:
            lost[name] = (answer.status_code, missing)
    assert lost == {}


def own_boxes(client: Client, page: str, name: str) -> dict[str, str]:
    """Hidden fields of one form of a page: of the form that keeps its drafts under that name."""
    mark = escape(f"page={quote(page, safe='')}")
    forms = re.findall(r"<form.*?</form>", client.get(page).content.decode(), re.S)
    return hidden_in(next((one for one in forms if mark in one), "")) or {"missing": name}


@pytest.mark.req("D3", "G1")
def test_a_file_of_many_pages_has_one_draft_that_ends_with_the_file(
    world: World, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is typed on one page stays while others are typed or sent, and My work names the file once."""
    monkeypatch.setattr("labs.views.imports.ROWS_PER_PAGE", 2)
    numbers = [f"01-9{place:02}" for place in range(5)]
    imported = upload(
        world, central_laboratory(world), csv_of(*(line(one, "M-spike", "2.9", "g/dL") for one in numbers))
    )
    page = reverse("lab_import_review", args=[imported.pk])
    client = log_in(Client(), world.person(Role.COORDINATOR))
    address = f"{reverse('draft')}?page={quote(page)}"

    def type_on(number: int, typed: dict[str, str]) -> None:
        shown = client.get(f"{page}?page={number}")
        assert set(typed) <= set(re.findall(r'name="(\d+-subject)"', shown.content.decode())), "a page of its own"
        sent = {**hidden(client, f"{page}?page={number}"), **typed}
        assert client.post(address, sent, headers={"X-Draft": "1"}).status_code == 200

    type_on(1, {"1-subject": "one", "2-subject": "two"})
    type_on(2, {"3-subject": "three", "4-subject": subject.number})
    type_on(1, {"1-subject": subject.number, "2-subject": "second"})
    (kept,) = drafts(world)
    assert [kept.content.get(f"{place}-subject") for place in range(1, 5)] == [
        subject.number, "second", "three", subject.number
    ]  # fmt: skip
    assert 'value="three"' in client.get(f"{page}?page=2").content.decode()
    assert in_my_work(client, page) == 1
    sent = {**hidden(client, page), "1-subject": subject.number, "2-subject": "second", "action": "check"}
    assert client.post(page, sent).status_code == 302
    (kept,) = drafts(world)
    assert {name for name in kept.content if name.endswith("-subject")} == {"3-subject", "4-subject"}
    assert in_my_work(client, page) == 1
    cancel_import(**acting(world, imported) | {"by": world.person(Role.DATA_MANAGER)})
    assert in_my_work(client, page) == 0


def in_my_work(client: Client, page: str) -> int:
    return client.get(reverse("my_work")).content.decode().count(f'href="{page}')


@pytest.mark.req("D3", "G1")
def test_answers_to_rows_of_a_file_are_kept_until_they_are_sent(furnished: Furnished) -> None:
    """By the script while somebody types; gone with the rows, and nobody else's."""
    client, page = furnished.open("lab_import_review")
    sent = {**hidden(client, page), "1-unit": "mg/dL"}
    address = furnished.address("lab_import_review", page)
    assert "Draft saved" in client.post(address, sent, headers={"X-Draft": "1"}).json()["words"]
    manager = log_in(Client(), furnished.world.person(Role.DATA_MANAGER))
    assert "Save draft" not in manager.get(page).content.decode()
    assert manager.post(address, sent).status_code == 403
    assert [one.content["1-unit"] for one in drafts(furnished.world)] == ["mg/dL"]
    elsewhere = log_in(Client(), furnished.world.person(Role.COORDINATOR, "02"))
    assert elsewhere.post(address, sent).status_code == 422
    assert client.post(page, {**sent, "action": "check"}).status_code == 302
    assert [one.content for one in drafts(furnished.world)] == [{}]
    assert client.post(address, sent, headers={"X-Draft": "1"}).json() == {"words": "Saved already"}


@pytest.mark.req("B18")
def test_a_draft_is_of_its_author_alone(world: World, subject: Subject, coordinator: Client) -> None:
    coordinator.post(draft_address(subject, labs(subject)), {"hb": "11.8"})
    assert [one.content for one in drafts(world)] == [{"hb": "11.8"}]
    for role, site in [(role, "01") for role in Role if role is not Role.COORDINATOR] + [(Role.COORDINATOR, "02")]:
        assert drafts(world, role, site) == [], role
    other = log_in(Client(), world.person(Role.INVESTIGATOR))
    assert "11.8" not in other.get(labs(subject)).content.decode()
    assert "Drafts" not in other.get(reverse("my_work")).content.decode()


@pytest.mark.req("B18")
def test_a_draft_is_no_data(world: World, subject: Subject, coordinator: Client) -> None:
    """No event, no result, and no data set reads the table."""
    with reading(world.person(Role.DATA_MANAGER), world.at):
        before = AuditEvent.objects.count()
    coordinator.post(draft_address(subject, labs(subject)), {"collected_on": "4 apr 2024", "hb": "11.8"})
    with reading(world.person(Role.DATA_MANAGER), world.at):
        assert (AuditEvent.objects.count(), LabResult.objects.count()) == (before, 0)
    assert [one.name for one in DATASETS if "draft" in getattr(one, "sql", "")] == []


@pytest.mark.req("D3", "D13")
def test_the_first_save_ends_the_draft_and_a_late_one_does_not_bring_it_back(
    world: World, subject: Subject, coordinator: Client
) -> None:
    page = labs(subject)
    sent = {**hidden(coordinator, page), "collected_on": "4 apr 2024", "hb": "11.8"}
    coordinator.post(draft_address(subject, page), sent)
    coordinator.post(page, {**sent, "action": "save"})
    assert [(one.content, one.saved_at) for one in drafts(world)] == [({}, None)]
    late = coordinator.post(draft_address(subject, page), sent, headers={"X-Draft": "1"})
    assert late.json() == {"words": "Saved already"}
    assert [one.saved_at for one in drafts(world)] == [None]
    assert "Drafts" not in coordinator.get(reverse("my_work")).content.decode()


@pytest.mark.req("D3", "D13")
def test_a_late_draft_of_a_form_without_a_token_does_not_come_back_either(
    world: World, subject: Subject, coordinator: Client
) -> None:
    """The seal says in which sitting the form was opened; a form that is opened anew is another sitting."""
    page = reverse("visit", args=[subject.key, "m01"])
    sent = {**hidden(coordinator, page), "occurred_on": "4 apr 2024", "ecog": "1"}
    assert coordinator.post(page, {**sent, "action": "facts"}).status_code == 302
    late = coordinator.post(draft_address(subject, page), sent, headers={"X-Draft": "1"})
    assert late.json() == {"words": "Saved already"}
    again = {**sent, **hidden(coordinator, page), "ecog": "2"}
    assert (
        "Draft saved" in coordinator.post(draft_address(subject, page), again, headers={"X-Draft": "1"}).json()["words"]
    )


@pytest.mark.req("D3")
def test_of_two_forms_on_a_page_each_keeps_its_own_draft(furnished: Furnished) -> None:
    """What is refused in one of them shows what was posted, and the other still shows its draft."""
    client, fill = furnished.open("subject_dosing fill")
    undo = furnished.page("subject_dosing undo")
    for name, page, typed in (("fill", fill, {"detail": "On the road"}), ("undo", undo, {"why": "Other subject"})):
        client.post(furnished.address(f"subject_dosing {name}", page), {**own_boxes(client, page, name), **typed})
    sent = {**own_boxes(client, undo, "undo"), "action": "undo", "first_on": "31feb", "why": "Misread"}
    html = client.post(undo, sent).content.decode()
    assert ('"31feb"' in html, '"Misread"' in html, "Other subject" in html) == (True, True, False)
    assert '"On the road"' in html


@pytest.mark.req("D3")
def test_a_refused_form_beside_it_leaves_a_draft_in_its_boxes(
    world: World, subject: Subject, coordinator: Client
) -> None:
    """Also one that keeps none itself: otherwise the next word typed would be kept over all that was there."""
    page = reverse("visit", args=[subject.key, "m01"])
    coordinator.post(draft_address(subject, page), {**hidden(coordinator, page), "weight_kg": "7l.5"})
    refused = coordinator.post(page, {"action": "not_done", "not_done-reason": ""})
    assert refused.status_code == 422
    assert 'value="7l.5"' in refused.content.decode()


@pytest.mark.req("D3", "D2")
def test_what_is_typed_after_a_save_that_stayed_on_the_page_is_kept(world: World) -> None:
    """Answers were saved and could not be sent: the page goes on, and so do its drafts."""
    subject = screened(world)
    client = log_in(Client(), world.person(Role.COORDINATOR))
    page = reverse("subject_eligibility", args=[subject.key])
    html = client.post(page, {**hidden(client, page), "action": "send", "assessed_on": "t"}).content.decode()
    assert "The answers were saved." in html
    kept = client.post(draft_address(subject, page), {**hidden_in(html), "assessed_on": "31feb"}, follow=True)
    assert "31feb" in kept.content.decode()


@pytest.mark.req("B18")
def test_a_draft_of_a_query_is_its_authors_alone_and_ends_with_the_answer(furnished: Furnished) -> None:
    client, page = furnished.open("query answer")
    client.post(furnished.address("query answer", page), {**hidden(client, page), "text": "The report says"})
    coordinator = log_in(Client(), furnished.world.person(Role.COORDINATOR))
    assert "The report says" not in coordinator.get(page).content.decode()
    sent = {**hidden(client, page), "action": "answer", "text": "The report says so"}
    assert client.post(page, sent).status_code == 303
    assert "Drafts" not in client.get(reverse("my_work")).content.decode()


@pytest.mark.req("D3", "A5")
def test_a_new_subject_is_kept_as_a_draft_before_there_is_one(world: World, coordinator: Client) -> None:
    page, keep = reverse("subject_new"), f"{reverse('draft')}?page={quote(reverse('subject_new'))}"
    coordinator.post(keep, {**hidden(coordinator, page), "birth_year": "19x0"})
    assert [(one.subject, one.site) for one in drafts(world)] == [(None, world.sites["01"])]
    assert drafts(world, Role.COORDINATOR, "02") == []
    assert ">New subject</a>" in coordinator.get(reverse("my_work")).content.decode()
    assert coordinator.post(keep.replace("new", "none"), {"birth_year": "1"}).status_code in {404, 422}
    assert coordinator.post(f"{reverse('draft')}?page=/my-work/", {"birth_year": "1"}).status_code == 422


@pytest.mark.req("D3", "D13")
def test_draft_and_save_of_a_new_subject_wait_for_each_other(world: World) -> None:
    """Both hold the same lock until they are stored, so that a draft of the same instant finds the form saved."""
    given = {
        "by": world.person(Role.COORDINATOR), "at": world.at, "site_id": world.sites["01"].pk,
        "page": reverse("subject_new"), "duty": Duty.SCREEN_SUBJECT, "sitting": uuid4(),
    }  # fmt: skip
    saves = (partial(save_draft, **given, subject_id=None, typed={"sex": "F"}), partial(end_draft, **given))
    held = []
    for act in saves:
        with transaction.atomic(), connection.cursor() as cursor:
            act()
            cursor.execute("SELECT classid, objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
            held.append(cursor.fetchall())
            transaction.set_rollback(True)
    assert held[0] == held[1]
    assert len(held[0]) == 1
    saves[1]()
    assert saves[0]() is None, "what that sitting still sends is kept no more"


@pytest.mark.req("D3")
def test_a_refused_save_keeps_the_draft(world: World, subject: Subject, coordinator: Client) -> None:
    page = medications(subject)
    sent = {**hidden(coordinator, page), "name": "Aspirin"}
    coordinator.post(draft_address(subject, page), sent)
    assert coordinator.post(page, sent).status_code == 422
    assert drafts(world)[0].content["name"] == "Aspirin"


@pytest.mark.req("D13")
def test_a_draft_that_came_back_still_makes_one_record(world: World, subject: Subject, coordinator: Client) -> None:
    """The form opened twice, once from its draft: both are the same form, and the second save finds the first."""
    page = medications(subject)
    sent = {
        **hidden(coordinator, page),
        "name": "Aspirin",
        "indication": "Pain",
        "route": "ORAL",
        "started": "4 mar 2024",
    }
    coordinator.post(draft_address(subject, page), sent)
    assert hidden(coordinator, page)["token"] == sent["token"]
    for _ in range(2):
        coordinator.post(page, sent)
    with reading(world.person(Role.DATA_MANAGER), world.at):
        assert ConcomitantMedication.objects.count() == 1


def test_a_draft_is_thrown_away_on_request(world: World, subject: Subject, coordinator: Client) -> None:
    page = labs(subject)
    coordinator.post(draft_address(subject, page), {"hb": "11.8"})
    answer = coordinator.post(draft_address(subject, page), {"hb": "11.8", "discard": "1"}, follow=True)
    assert "The draft was discarded." in answer.content.decode()
    assert "11.8" not in coordinator.get(page).content.decode()
    assert drafts(world)[0].content == {}


def test_a_draft_holds_no_password(world: World, subject: Subject, client: Client) -> None:
    log_in(client, world.person(Role.INVESTIGATOR))
    page = reverse("subject_end_of_treatment", args=[subject.key])
    sent = {"detail": "Moved", "username": "investigator-01", "password": PASSWORD, "csrfmiddlewaretoken": "x"}
    client.post(draft_address(subject, page), sent)
    assert drafts(world, Role.INVESTIGATOR)[0].content == {"detail": "Moved"}


@pytest.mark.parametrize(
    "page", ["", "/", "https://example.org/", "/my-work/", "/subjects/other/visits/m01/labs/", "{labs}?next=//x"]
)
def test_only_forms_of_the_subject_keep_drafts(subject: Subject, coordinator: Client, page: str) -> None:
    page = page.replace("{labs}", labs(subject))
    assert coordinator.post(draft_address(subject, page), {"hb": "1"}).status_code == 422


def test_a_draft_larger_than_any_form_is_refused(world: World, subject: Subject) -> None:
    who = {"by": world.person(Role.COORDINATOR), "at": world.at, "site_id": subject.site_id, "page": labs(subject)}
    with pytest.raises(Refused):
        save_draft(**who, subject_id=subject.pk, typed={"comment": "x" * MOST_CHARACTERS})
    assert save_draft(**who, subject_id=subject.pk, typed={"comment": "x", "token": str(uuid4())}) is not None
    end_draft(**who)
    end_draft(**who)
    assert drafts(world)[0].saved_at is None


def test_an_older_draft_does_not_cover_what_somebody_saved_meanwhile(
    world: World, subject: Subject, coordinator: Client
) -> None:
    """The draft remembers which version lay under it, so saving it asks."""
    record(world, subject, "m01", MONTH1, {Analyte.HB: "11.8"})
    page = labs(subject)
    coordinator.post(
        draft_address(subject, page), {**hidden(coordinator, page), "collected_on": "4 apr 2024", "hb": "13.8"}
    )
    record(world, subject, "m01", MONTH1, {Analyte.HB: "12.8"}, reason="Misread")
    sent = {**hidden(coordinator, page), "collected_on": "4 apr 2024", "hb": "13.8", "action": "save"}
    assert coordinator.post(page, {**sent, "change_reason": "Transcription error"}).status_code == 409


# ---------------------------------------------------------------- the session


def age(client: Client, name: str, by: timedelta) -> None:
    session = client.session
    session[name] = (timezone.now() - by).timestamp()
    session.save()


@pytest.mark.req("A12")
@pytest.mark.parametrize(
    ("name", "passed", "status"),
    [
        (ACTIVE, timedelta(minutes=29), 200),
        (ACTIVE, timedelta(minutes=31), 302),
        (BEGAN, timedelta(hours=11, minutes=59), 200),
        (BEGAN, timedelta(hours=12, minutes=1), 302),
    ],
)
def test_a_session_ends_idle_or_old(coordinator: Client, name: str, passed: timedelta, status: int) -> None:
    assert (settings.IDLE_MINUTES, settings.SESSION_HOURS) == (30, 12)
    coordinator.get(reverse("my_work"))
    age(coordinator, name, passed)
    assert coordinator.get(reverse("my_work")).status_code == status


@pytest.mark.req("A12")
def test_looking_at_the_session_does_not_prolong_it_and_staying_does(world: World, coordinator: Client) -> None:
    coordinator.get(reverse("my_work"))
    age(coordinator, ACTIVE, timedelta(minutes=20))
    before = coordinator.session[ACTIVE]
    found = coordinator.get(reverse("account_session")).json()
    assert found["person"] == world.person(Role.COORDINATOR).user_id
    assert coordinator.session[ACTIVE] == before
    coordinator.post(reverse("account_session"))
    assert coordinator.session[ACTIVE] > before
    assert Client().get(reverse("account_session")).json()["person"] is None


def expire(client: Client) -> None:
    client.get(reverse("my_work"))
    age(client, ACTIVE, timedelta(minutes=31))


def carried_in(html: str) -> str:
    found = re.search(r'name="carried" value="([^"]*)"', html)
    assert found
    return found[1].replace("&quot;", '"').replace("&amp;", "&").replace("&#x27;", "'")


@pytest.mark.req("A12", "D3")
@pytest.mark.parametrize("button", ["save", "draft"])
def test_complaint_27_a_form_sent_after_the_session_ended_loses_nothing(
    world: World, subject: Subject, coordinator: Client, button: str
) -> None:
    """Session expiry traps nobody (peers 27): sign in, wrong at first, and the form opens with all that was typed."""
    page = labs(subject)
    sent = {**hidden(coordinator, page), "collected_on": "4 apr 2024", "hb": "11.8", "plt": "nd"}
    expire(coordinator)
    address = page if button == "save" else draft_address(subject, page)
    asked = coordinator.post(address, {**sent, "action": "save"})
    assert asked.status_code == 401
    html = asked.content.decode()
    assert "What you typed is kept" in html
    again = {"login": "coordinator-01", "carried": carried_in(html), "next": page}
    wrong = coordinator.post(reverse("account_login"), {**again, "password": "wrong"})
    assert wrong.status_code == 422
    again["carried"] = carried_in(wrong.content.decode())
    back = coordinator.post(reverse("account_login"), {**again, "password": PASSWORD}, follow=True)
    assert back.redirect_chain[-1][0] == page
    assert 'name="hb" value="11.8"' in back.content.decode()
    with reading(world.person(Role.DATA_MANAGER), world.at):
        assert LabResult.objects.count() == 0
    saved = coordinator.post(page, {**sent, **hidden(coordinator, page), "plt": "", "action": "save"}, follow=True)
    assert "Results saved: 1 recorded." in saved.content.decode()


@pytest.mark.req("A11", "A12")
def test_what_was_typed_comes_through_the_second_factor(
    world: World, subject: Subject, coordinator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = labs(subject)
    sent = {**hidden(coordinator, page), "hb": "11.8"}
    expire(coordinator)
    carried = carried_in(coordinator.post(page, sent).content.decode())
    with own_account(world.person(Role.COORDINATOR), at=world.at, reason="Enrolled"):
        TOTP.activate(User.objects.get(username="coordinator-01"), generate_totp_secret())
    again = {"login": "coordinator-01", "password": PASSWORD, "carried": carried, "next": page}
    asked = coordinator.post(reverse("account_login"), again, follow=True)
    assert asked.redirect_chain[-1][0] == reverse("mfa_authenticate")
    monkeypatch.setattr("trialsite.services.second_factor.use_code", lambda *, by, at, code: code == "123456")
    assert coordinator.post(reverse("mfa_authenticate"), {"code": "654321"}).status_code == 422
    back = coordinator.post(reverse("mfa_authenticate"), {"code": "123456"}, follow=True)
    assert back.redirect_chain[-1][0] == page
    assert 'name="hb" value="11.8"' in back.content.decode()


@pytest.mark.req("A12")
def test_what_one_person_typed_is_not_handed_to_the_next(world: World, subject: Subject, coordinator: Client) -> None:
    page = labs(subject)
    sent = {**hidden(coordinator, page), "hb": "11.8"}
    expire(coordinator)
    carried = carried_in(coordinator.post(page, sent).content.decode())
    world.person(Role.INVESTIGATOR)
    as_other = {"login": "investigator-01", "password": PASSWORD, "carried": carried, "next": page}
    back = coordinator.post(reverse("account_login"), as_other, follow=True).content.decode()
    assert "was not kept" in back
    assert 'value="11.8"' not in back
    assert drafts(world, Role.INVESTIGATOR) == []


@pytest.mark.parametrize("carried", ["", "{", "[]", '{"page": "/my-work/", "sealed": "", "typed": {}}'])
def test_a_garbled_parcel_is_left_behind(world: World, client: Client, carried: str) -> None:
    world.person(Role.COORDINATOR)
    sent = {"login": "coordinator-01", "password": PASSWORD, "carried": carried}
    assert client.post(reverse("account_login"), sent).status_code == 302
    assert User.objects.filter(username="coordinator-01").exists()


def test_without_a_session_other_posts_lead_to_the_sign_in(subject: Subject, client: Client) -> None:
    assert client.post(labs(subject), {"hb": "1"}).status_code == 302


@pytest.mark.req("A12")
def test_boxes_that_share_a_name_are_all_kept(furnished: Furnished) -> None:
    """Why an event is serious has several answers."""
    client, page = furnished.open("adverse_event_new")
    typed = {**hidden(client, page), "serious": ["needs_hospital", "is_important"], "outcome": "RECOVERING"}
    html = client.post(draft_address(furnished.of("adverse_event_new"), page), typed, follow=True).content.decode()
    kept = re.findall(r'<input[^>]*name="serious"[^>]*value="(\w+)"[^>]*checked', html)
    assert kept == ["needs_hospital", "is_important"]
    other = client.get(page.replace("Headache", "Fatigue")).content.decode()
    assert "Draft saved" not in other, "an event of another term has a draft of its own"
