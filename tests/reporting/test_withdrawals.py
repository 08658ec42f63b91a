"""Each kind of signature is taken back by who gave it, with a reason, as long as nothing irrevocable rests on it.

It stays listed; what rested on it waits again in the work of who can sign it. The decision and the casebook have
tests of their own.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from dosing.selectors.versions import activation_content, effect_of
from enrollment.models import EligibilitySnapshot, Waiver
from enrollment.selectors import site_day
from enrollment.services import FormVersion, add_consent_form, take_back_consent_form
from protocol.versions import AMENDMENT_1, ORIGINAL
from protocol.vocabulary import Phase
from reporting.next_step import tasks
from reporting.selectors.facts import facts_of
from safety.services import sign_causality
from safety.vocabulary import Seriousness
from tests import world_dosing as treat
from tests.dosing.test_pages import hidden, text_of
from tests.dosing.test_versions import activate
from tests.enrollment.test_waivers import ask, decide, with_low_cells
from tests.world import IDENTITY, World, hire, log_in, new_world
from tests.world_enrollment import complete, register, sent, signed
from tests.world_followup import who
from tests.world_safety import an_event, reported
from trialsite import clock
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Role, Signature, Subject
from trialsite.selectors import confirmed_parameter, protocol_in_force
from trialsite.services.signatures import digest, is_intact

WHY = "Signed for the wrong person"
COMPARE = "/protocol/compare/"
PARAMETER = "/protocol/parameters/high_dex_mg/"


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch) -> World:
    world = new_world()
    monkeypatch.setattr(clock, "now", lambda: world.at)
    return world


def everything(world: World) -> Any:
    return reading(system_actor("verification"), world.at)


def work(world: World, subject: Subject) -> list[str]:
    with everything(world):
        known = Subject.objects.select_related("site").get(pk=subject.pk)
        return [one.words for one in tasks(facts_of([known], world.at)[subject.pk])]


def take_back(client: Client, url: str, **changed: str) -> HttpResponse:
    """The signer opens the page and sends its form of withdrawal."""
    return client.post(url, {**hidden(client.get(url), "withdraw"), **IDENTITY, "why": WHY, **changed}, follow=True)


def ended(world: World, kind: str) -> list[tuple[str, str]]:
    with everything(world):
        events = [one.events.first() for one in Signature.objects.filter(record_type=kind).order_by("id")]
    return [(one.kind, one.reason) if one else ("stands", "") for one in events]


@pytest.mark.req("C13", "C4")
def test_causes_are_withdrawn_and_signed_again(world: World, client: Client) -> None:
    subject = treat.on_anakinra(world)
    world.later(20)
    event = reported(
        world, subject, an_event("Lung infection", 3, "20 jan 2024", serious=frozenset({Seriousness.HOSPITAL}))
    )
    given = who(world, subject, Role.INVESTIGATOR)
    sign_causality(**given, proof=world.proof(given["by"]), number=1, version=event.version)
    assert not any("causes" in one for one in work(world, subject))
    url = reverse("adverse_event_causality", args=[subject.key, 1])
    log_in(client, world.person(Role.INVESTIGATOR))
    assert "Say why you withdraw" in text_of(take_back(client, url, why=" "))
    page = take_back(client, url)
    assert WHY in text_of(page)
    assert ended(world, "causality") == [("withdrawn", WHY)]
    assert "Sign causes of event 1 again" in work(world, subject)
    again = client.post(url, {**IDENTITY, "version": event.version})
    assert (again.status_code, ended(world, "causality")[-1][0]) == (302, "stands")


@pytest.mark.req("C13", "C6")
def test_another_person_is_offered_no_withdrawal_and_refused(world: World, client: Client) -> None:
    subject = treat.on_anakinra(world)
    event = reported(world, subject, an_event("Fatigue", 1, "15 jan 2024"))
    given = who(world, subject, Role.INVESTIGATOR)
    signature = sign_causality(**given, proof=world.proof(given["by"]), number=1, version=event.version)
    hire(world, "second-investigator", Role.INVESTIGATOR, "01")
    second = world.people[Role.INVESTIGATOR, "01"] = hire(world, "third-investigator", Role.INVESTIGATOR, "01")
    url = reverse("adverse_event_causality", args=[subject.key, 1])
    page = log_in(client, second).get(url)
    assert "Withdraw your signature" not in text_of(page)
    sent = {"action": "withdraw", **IDENTITY, "username": "third-investigator", "why": WHY}
    for number, words in ((signature.pk, "can withdraw this signature"), (0, "no such signature")):
        refused = client.post(url, {**sent, "signature": number})
        assert (refused.status_code, words in text_of(refused)) == (422, True)


@pytest.mark.req("C13", "C4", "D2")
def test_eligibility_is_withdrawn_until_registration(world: World, client: Client) -> None:
    subject = complete(world)
    signed(world, subject, sent(world, subject))
    url = reverse("subject_eligibility", args=[subject.key])
    log_in(client, world.person(Role.INVESTIGATOR))
    page = take_back(client, url)
    assert "eligibility waits to be signed again" in text_of(page)
    assert WHY in text_of(page)
    assert work(world, subject)[0] == "Sign eligibility"
    with everything(world):
        snapshot = EligibilitySnapshot.objects.get()
    client.post(url, {"action": "sign", "snapshot": snapshot.pk, **IDENTITY})
    assert [kind for kind, _ in ended(world, "eligibility")] == ["withdrawn", "stands"]
    register(world, subject)
    bound = client.get(url)
    assert "registered on this signature, so it cannot be withdrawn" in text_of(bound)
    with everything(world):
        last = Signature.objects.filter(record_type="eligibility").latest("id")
    refused = client.post(url, {"action": "withdraw", "signature": last.pk, "why": WHY, **IDENTITY})
    assert (refused.status_code, ended(world, "eligibility")[-1][0]) == (422, "stands")


@pytest.mark.req("C13", "D2")
def test_a_decision_on_a_waiver_is_withdrawn_and_breaks_what_rests_on_it(world: World, client: Client) -> None:
    subject = with_low_cells(world)
    decide(world, subject, ask(world, subject))
    signed(world, subject, sent(world, subject))
    url = reverse("subject_waiver", args=[subject.key, "I07"])
    page = take_back(log_in(client, world.person(Role.INVESTIGATOR)), url)
    assert "the waiver of I07 waits again" in text_of(page)
    assert ended(world, "waiver") == [("withdrawn", WHY)]
    assert ended(world, "eligibility") == [("broken", f"The decision on the waiver of I07 was withdrawn. {WHY}")]
    assert "Decide the waiver of I07" in work(world, subject)
    with everything(world):
        waiver = Waiver.objects.get()
    decide(world, subject, waiver)
    assert [kind for kind, _ in ended(world, "waiver")] == ["withdrawn", "stands"]
    signed(world, subject, sent(world, subject))
    register(world, subject)
    assert "so it cannot be withdrawn" in text_of(client.get(url))


@pytest.mark.req("C13")
def test_a_confirmed_parameter_is_withdrawn_at_every_site_while_nobody_is_planned_by_it(
    world: World, client: Client
) -> None:
    treat.confirm_high_dose(world)
    log_in(client, world.person(Role.INVESTIGATOR))
    assert "is withdrawn" in text_of(take_back(client, PARAMETER))
    assert (WHY in text_of(client.get(PARAMETER)), ended(world, "parameter")) == (True, [("withdrawn", WHY)])
    with reading(world.person(Role.COORDINATOR, "02"), world.at):
        assert confirmed_parameter("high_dex_mg", ORIGINAL.version) is None
    world.later(1)
    treat.confirm_high_dose(world)
    subject = treat.on_anakinra(world, "02")
    treat.month(world, subject, 1, "5.4")
    treat.month(world, subject, 2, "5.5")
    proposal = treat.reevaluated(world, subject)
    assert proposal is not None
    treat.sign(world, proposal, Phase.HIGH_DEX)
    bound = client.get(PARAMETER)
    assert "1 subject is planned by this value, so it cannot be withdrawn." in text_of(bound)
    assert subject.number not in text_of(bound), "a site learns the number of others, not who they are"


@pytest.mark.req("C13", "H3")
def test_an_activation_is_withdrawn_until_somebody_follows_it(world: World, client: Client) -> None:
    world.person(Role.COORDINATOR)
    activate(world)
    log_in(client, world.person(Role.INVESTIGATOR))
    page = take_back(client, COMPARE)
    assert "It is a draft again." in text_of(page)
    assert WHY in text_of(client.get(COMPARE))
    with reading(world.person(Role.COORDINATOR, "02"), world.at):
        assert protocol_in_force() == ORIGINAL
    world.later(1)
    with reading(world.person(Role.INVESTIGATOR), world.at):
        shown = digest(activation_content(AMENDMENT_1, ORIGINAL, effect_of(AMENDMENT_1, world.at)))
    activate(world, shown=shown)
    with everything(world):
        assert protocol_in_force() == AMENDMENT_1
        first, second = Signature.objects.filter(record_type="protocol_version").order_by("id")
        assert (is_intact(first), is_intact(second)) == (False, True)
    on = site_day(world.at, world.sites["02"])
    form = FormVersion("3.0", on, on, needs_reconsent=False, changes="New", protocol_version=AMENDMENT_1.version)
    manager = world.person(Role.DATA_MANAGER)
    site_id = world.sites["02"].pk
    listed = add_consent_form(by=manager, at=world.at, site_id=site_id, new=form)
    assert "1 consent form names version" in text_of(client.get(COMPARE))
    take_back_consent_form(by=manager, at=world.at, site_id=site_id, form_id=listed.pk, reason="Listed too early")
    free = text_of(client.get(COMPARE))
    assert "consent form names" not in free
    assert "Withdraw your signature" in free
    subject = world.subject("02")
    with everything(world):
        assert Subject.objects.get(pk=subject.pk).protocol_version == AMENDMENT_1.version
    bound = client.get(COMPARE)
    assert "1 subject follows version" in text_of(bound)
    refused = client.post(COMPARE, {"action": "withdraw", "signature": second.pk, "why": WHY, **IDENTITY})
    assert (refused.status_code, "1 subject follows" in text_of(refused)) == (422, True)
