"""Whatever page changes what stands shows first what follows from it, and what was shown is what happens."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from html import unescape
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from dosing.services import record_doses
from dosing.services.modifications import Order, modify_dose
from enrollment.selectors import consents_of
from followup.models import Departure
from followup.services import Leaving
from labs.services import VisitFacts, record_visit
from protocol.vocabulary import DoseAction, DoseStatus, Drug
from safety.services import Medication, record_medication
from tests import world_dosing as treat
from tests.reporting.test_complaints import verify_all
from tests.world import World, log_in
from tests.world_enrollment import complete, sent, signed
from tests.world_followup import contact, end, leave, reached, who
from tests.world_safety import an_event, reported
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.foresight import Fact, differences, facts_of, mark_of
from trialsite.models import Role, Subject
from trialsite.outbox import drain
from trialsite.partial_dates import on_day

WHY = {"change_reason": "Transcription error"}


@dataclass
class Scene:
    """A treated, a screened and a followed subject, everything verified, the screened one's eligibility signed."""

    world: World
    treated: Subject
    screened: Subject
    ended: Subject
    ids: dict[str, int]

    def address(self, name: str, *more: object, of: Subject | None = None) -> str:
        return reverse(name, args=[(of or self.treated).key, *more])


@pytest.fixture
def scene(world: World) -> Scene:
    treated = treat.at_month_6(world, values=("1.8", "1.7")).subject
    given = who(world, treated)
    record_visit(**given, code="m06", facts=VisitFacts(treat.MONTH[6], ecog=1))
    record_doses(**given, drug=Drug.ANAKINRA, first_on=treat.DAY1, last_on=treat.DAY1, status=DoseStatus.TAKEN)
    event = reported(world, treated, an_event("Headache", 2, "feb 2024"))
    therapy = Medication("Bortezomib", "Myeloma", on_day(date(2024, 7, 12)), is_anti_myeloma=True)
    ongoing = record_medication(**given, token=uuid4(), medication=therapy)
    order = modify_dose(
        **given, token=uuid4(), order=Order(Drug.ANAKINRA, DoseAction.HOLD, date(2024, 3, 4), "Rash", None, None)
    )
    screened = complete(world)
    signed(world, screened, sent(world, screened))
    ended = treat.at_month_6(world, values=("1.8", "1.7")).subject
    end(world, ended, date(2024, 7, 10))
    for subject in (treated, screened, ended):
        verify_all(world, subject)
    with reading(system_actor("verification"), world.at):
        consent = consents_of(screened)[0]
    ids = {"consent": consent.pk, "event": event.number, "medication": ongoing.pk, "order": order.pk}
    return Scene(world, treated, screened, ended, ids)


#: A page and what is sent to it -> an effect that it has to name.
Sent = tuple[str, dict[str, str], Subject]
PAGES: dict[str, tuple[Callable[[Scene], Sent], str]] = {
    "a visit's date": (
        lambda s: (
            s.address("visit", "m06"),
            {"action": "facts", "occurred_on": "11 jul 2024", "ecog": "2", **WHY},
            s.treated,
        ),
        "will need verifying again",
    ),
    "another day of consent": (
        lambda s: (
            s.address("subject_consent", of=s.screened) + f"?correct={s.ids['consent']}",
            {
                "action": "correct",
                "consent": str(s.ids["consent"]),
                "consented_on": "-1",
                "consented_time": "00:00",
                "form_version": "2.0",
                "signed_by": "subject",
                "reason": "Read the form again",
                "obtained_by": str(s.world.person(Role.COORDINATOR).user_id),
            },
            s.screened,
        ),
        "Broken",
    ),
    "year of birth": (
        lambda s: (
            s.address("subject_identity", of=s.screened),
            {"action": "correct", "birth_year": "1961", "sex": "F", "is_adult": "yes", "reason": "Read the card"},
            s.screened,
        ),
        "Broken",
    ),
    "an answer under a signed checklist": (
        lambda s: (
            s.address("subject_eligibility", of=s.screened) + "?edit=1",
            {"action": "save", "assessed_on": "t", "nyha": "1", "reason": "Read the chart again"},
            s.screened,
        ),
        "Broken",
    ),
    "an adverse event": (
        lambda s: (
            s.address("adverse_event", s.ids["event"]),
            {
                "action": "correct",
                "term": "Headache",
                "grade": "3",
                "started": "feb 2024",
                "outcome": "NOT_RECOVERED",
                "attribution_anakinra": "POSSIBLE",
                "action_anakinra": "NONE",
                "attribution_dexamethasone": "NOT_GIVEN",
                "action_dexamethasone": "NOT_GIVEN",
                **WHY,
            },
            s.treated,
        ),
        "will need verifying again",
    ),
    "a new therapy": (
        lambda s: (
            s.address("subject_medications"),
            {
                "name": "Carfilzomib",
                "indication": "Myeloma",
                "route": "INTRAVENOUS",
                "started": "10 apr 2024",
                "is_anti_myeloma": "on",
            },
            s.treated,
        ),
        "Confirmed response",
    ),
    "a therapy entered in error": (
        lambda s: (
            s.address("medication", s.ids["medication"]),
            {"action": "in_error", "reason": "Another subject's"},
            s.treated,
        ),
        "will need verifying again",
    ),
    "an adverse event entered in error": (
        lambda s: (
            s.address("adverse_event", s.ids["event"]),
            {"action": "in_error", "reason": "Another subject's"},
            s.treated,
        ),
        "will need verifying again",
    ),
    "a changed dose": (
        lambda s: (
            s.address("subject_dosing"),
            {
                "action": "record",
                "day": treat.DAY1.isoformat(),
                "anakinra": "missed",
                "anakinra_reason": "Forgot",
                "change_reason": "Diary read wrongly",
            },
            s.treated,
        ),
        "will need verifying again",
    ),
    "a dose taken back": (
        lambda s: (
            s.address("subject_dosing"),
            {
                "action": "undo",
                "drug": "anakinra",
                "first_on": f"{treat.DAY1}",
                "last_on": f"{treat.DAY1}",
                "why": "Other subject",
            },
            s.treated,
        ),
        "will need verifying again",
    ),
    "an order entered in error": (
        lambda s: (
            s.address("subject_modifications"),
            {"action": "wrong", "modification_id": str(s.ids["order"]), "reason": "Never given"},
            s.treated,
        ),
        "will need verifying again",
    ),
    "a withdrawal": (
        lambda s: (
            s.address("subject_departure"),
            {
                "kind": "WITHDRAWN",
                "scope": "everything",
                "on": "t",
                "last_dose_on": "t",
                "reason": "Moved abroad",
                "token": str(uuid4()),
            },
            s.treated,
        ),
        "Planned doses",
    ),
    "a departure taken back": (
        lambda s: (left(s).address("subject_departure"), {"action": "take_back", "reason": "Found again"}, s.treated),
        "Planned doses",
    ),
    "an end of treatment taken back": (
        lambda s: (
            s.address("subject_end_of_treatment", of=s.ended),
            {"action": "take_back", "reason": "Another subject's"},
            s.ended,
        ),
        "Withdrawn",
    ),
    "a contact that tells of a new therapy": (
        lambda s: (
            s.address("subject_follow_up", of=s.ended) + "?visit=fu06",
            {
                "action": "contact",
                "contacted_on": "t",
                "method": "phone",
                "outcome": "reached",
                "alive": "yes",
                "progressed": "no",
                "new_therapy": "Carfilzomib",
                "new_therapy_on": "11 jul 2024",
            },
            s.ended,
        ),
        "Confirmed response",
    ),
    "a contact entered in error": (
        lambda s: (
            s.address("subject_follow_up", of=s.ended) + "?visit=fu06",
            {"action": "in_error", "contact": called(s), "reason": "Another subject's"},
            s.ended,
        ),
        "will need verifying again",
    ),
}


def left(scene: Scene) -> Scene:
    """The treated subject is lost."""
    leave(scene.world, scene.treated, Leaving(Departure.Kind.LOST, treat.MONTH[6], "Moved", treat.MONTH[6]))
    return scene


def called(scene: Scene) -> str:
    """A contact with the subject whose treatment ended, verified."""
    made = contact(scene.world, scene.ended, reached("fu06", treat.MONTH[6]))
    verify_all(scene.world, scene.ended)
    return str(made.pk)


def hidden_of_form(html: str, action: str) -> dict[str, str]:
    """Hidden fields of the form that an action is sent with."""
    forms = [one for one in re.findall(r"<form.*?</form>", html, re.S) if f'value="{action}"' in one] if action else []
    tags = re.findall(r'<input type="hidden"[^>]*>', forms[0] if forms else html)
    pairs = [(re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)) for tag in tags]
    return {name[1]: unescape(value[1]) for name, value in pairs if name and value and name[1] != "csrfmiddlewaretoken"}


def stands(world: World, subject: Subject) -> dict[str, Fact]:
    drain(world.at)
    with reading(system_actor("re-evaluation"), world.at):
        return facts_of(subject.pk, world.at)


@pytest.mark.req("E10", "B5")
def test_what_a_page_shows_is_what_its_save_does(scene: Scene, client: Client) -> None:
    """Sent once, nothing is stored and the effects stand there; sent again from that page, exactly these happen."""
    log_in(client, scene.world.person(Role.INVESTIGATOR))
    told = {}
    for name, (send, effect) in PAGES.items():
        with transaction.atomic():
            page, typed, subject = send(scene)
            boxes = {**hidden_of_form(client.get(page).content.decode(), typed.get("action", "")), **typed}
            before = stands(scene.world, subject)
            asked = client.post(page, boxes)
            html = asked.content.decode()
            words = html.partition("From that follows:")[2].partition("</table>")[0]
            assert (asked.status_code, effect in words) == (422, True), (name, words or html)
            assert stands(scene.world, subject) == before, name
            marks = {one for one in re.findall(r'name="foreseen" value="([^"]*)"', html) if one}
            assert len(marks) == 1, name
            done = client.post(page, {**boxes, "foreseen": next(iter(marks))})
            assert done.status_code in {302, 303}, name
            told[name] = mark_of(differences(before, stands(scene.world, subject))) in marks
            transaction.set_rollback(True)
    assert told == dict.fromkeys(PAGES, True)


@pytest.mark.req("E10", "B5")
def test_the_end_of_a_therapy_is_saved_at_once_since_nothing_follows_from_it(scene: Scene, client: Client) -> None:
    """What counts is its first day: no effect is shown, and none comes."""
    log_in(client, scene.world.person(Role.INVESTIGATOR))
    before = stands(scene.world, scene.treated)
    done = client.post(scene.address("medication", scene.ids["medication"]), {"action": "end", "stopped": "t"})
    assert done.status_code == 303
    assert differences(before, stands(scene.world, scene.treated)) == ()


@pytest.mark.req("E10")
def test_effects_that_are_gone_meanwhile_stand_in_nobodys_way(scene: Scene, client: Client) -> None:
    """A page had shown effects, and nothing follows any more: the save is done, not merely said to be."""
    log_in(client, scene.world.person(Role.COORDINATOR))
    page = scene.address("subject_dosing")
    sent_again = {
        "action": "undo", "drug": "anakinra", "first_on": "20 jan 2024", "last_on": "20 jan 2024", "why": "Misread",
        "foreseen": "0123456789abcdef",
    }  # fmt: skip
    given = who(scene.world, scene.treated)
    day = date(2024, 1, 20)
    record_doses(**given, drug=Drug.ANAKINRA, first_on=day, last_on=day, status=DoseStatus.TAKEN)
    assert client.post(page, sent_again).status_code == 302
    assert client.post(page, sent_again).status_code == 422, "nothing is recorded any more"
