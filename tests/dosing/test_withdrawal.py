"""A signer takes back a signature: with a reason, visibly, moving nobody; what was signed waits to be signed again."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from dosing import services
from dosing.models import PhaseDecision, PhaseProposal
from dosing.selectors import broken_decisions
from dosing.selectors.standing import responses_to_sign_again
from protocol.vocabulary import Phase
from tests import world_dosing as treat
from tests.dosing.test_decisions import sign_response
from tests.dosing.test_pages import hidden, place, text_of
from tests.world import IDENTITY, World, hire, log_in
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import AuditEvent, Role, Signature, Subject
from trialsite.services.subjects import Refused


@pytest.fixture
def decision(month_6_decision: PhaseDecision) -> PhaseDecision:
    return month_6_decision


def everything(world: World) -> Any:
    return reading(system_actor("re-evaluation"), world.at)


def withdraw(
    world: World, decision: PhaseDecision, reason: str = "Signed for the wrong subject", **by: Any
) -> Signature:
    who = by.get("by") or world.person(Role.INVESTIGATOR)
    return services.withdraw_signature(
        by=who, at=world.at, proof=world.proof(who), subject_id=decision.subject_id, site_id=decision.site_id,
        signature_id=decision.signature_id, reason=reason,
    )  # fmt: skip


@pytest.mark.req("C13")
def test_a_withdrawn_signature_stays_and_the_decision_waits_to_be_signed_again(
    world: World, decision: PhaseDecision
) -> None:
    withdraw(world, decision)
    with everything(world):
        signature = Signature.objects.get(pk=decision.signature_id)
        assert [(event.kind, event.reason) for event in signature.events.all()] == [
            ("withdrawn", "Signed for the wrong subject")
        ]
        assert [one.pk for one in broken_decisions()] == [decision.pk]
        assert Subject.objects.get(pk=decision.subject_id).state == Phase.LOW_DEX_7_12
        event = AuditEvent.objects.filter(table="trialsite_signatureevent").latest("id")
        assert event.reason == "Signed for the wrong subject"


@pytest.mark.req("C6", "C13")
def test_only_the_signer_withdraws_once_and_says_why(world: World, decision: PhaseDecision) -> None:
    other = hire(world, "second-investigator", Role.INVESTIGATOR, "01")
    with pytest.raises(Refused, match="can withdraw this signature"):
        withdraw(world, decision, by=other)
    with pytest.raises(Refused, match="Say why"):
        withdraw(world, decision, " ")
    withdraw(world, decision)
    with pytest.raises(Refused, match="does not stand any more"):
        withdraw(world, decision)


@pytest.mark.req("C1", "C13")
def test_on_the_page(world: World, decision: PhaseDecision, client: Client) -> None:
    url = place("subject_response", decision.subject)
    page = log_in(client, world.person(Role.INVESTIGATOR)).get(url)
    sent = {**hidden(page, "withdraw"), **IDENTITY, "why": "Signed too early"}
    for wrong, sentence in (({"why": ""}, "Say why you withdraw"), ({"password": "no"}, "is not right")):
        refused = client.post(url, {**sent, **wrong})
        assert (refused.status_code, sentence in text_of(refused)) == (422, True)
    after = client.post(url, sent, follow=True)
    assert "Your signature is withdrawn." in text_of(after)
    assert "The signature was withdrawn and stays listed" in text_of(after)
    assert "Signed too early" in text_of(after)
    again = client.post(url, {**hidden(after, "sign_again"), **IDENTITY}, follow=True)
    assert "Signed again." in text_of(again)
    assert text_of(again).count("Approval of response and treatment") == 2


def test_a_response_signed_alone_is_withdrawn_and_signed_again(
    world: World, proposal: PhaseProposal, client: Client
) -> None:
    subject = proposal.subject
    url = place("subject_response", subject, "m05")
    page = log_in(client, world.person(Role.INVESTIGATOR)).get(url)
    signed = client.post(url, {**hidden(page, "sign_response"), **IDENTITY}, follow=True)
    withdrawn = client.post(url, {**hidden(signed, "withdraw"), **IDENTITY, "why": "Wrong visit"}, follow=True)
    again = client.post(url, {**hidden(withdrawn, "sign_response"), **IDENTITY}, follow=True)
    assert "Wrong visit" in text_of(withdrawn)
    assert "The response is signed." in text_of(again)
    with everything(world):
        ended = [one.events.exists() for one in Signature.objects.filter(record_type="response").order_by("id")]
        assert ended == [True, False]


@pytest.mark.req("C6", "C13")
def test_while_one_signature_stands_under_a_response_it_is_not_to_be_signed_again(
    world: World, on_anakinra: Subject
) -> None:
    """Of two who signed the same response, the later takes the own signature back; then the earlier does."""
    treat.month(world, on_anakinra, 1, "3.8")
    treat.reevaluated(world, on_anakinra)
    first, second = world.person(Role.INVESTIGATOR), hire(world, "second-investigator", Role.INVESTIGATOR, "01")
    waiting = []
    for by in (first, second):
        world.people[Role.INVESTIGATOR, "01"] = by
        sign_response(world, on_anakinra, "m01")
    for by in (second, first):
        with everything(world):
            own = Signature.objects.get(record_type="response", signer_id=by.user_id)
        services.withdraw_signature(
            by=by, at=world.at, proof=world.proof(by), subject_id=on_anakinra.pk, site_id=on_anakinra.site_id,
            signature_id=own.pk, reason="Signed for the wrong subject",
        )  # fmt: skip
        with everything(world):
            waiting.append(responses_to_sign_again([on_anakinra.pk]))
    assert waiting == [{}, {on_anakinra.pk: ["m01"]}]


def test_who_did_not_sign_is_offered_nothing(world: World, decision: PhaseDecision, client: Client) -> None:
    for role in (Role.COORDINATOR, Role.DATA_MANAGER):
        page = log_in(client, world.person(role)).get(place("subject_response", decision.subject))
        assert "Withdraw your signature" not in text_of(page)
