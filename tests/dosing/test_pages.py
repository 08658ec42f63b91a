"""Pages of the room: every role, the foreign site, signing without scripting, refusals beside their fields."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dosing.models import AssignmentDiscrepancy, DoseRecord, PhaseDecision, PhaseProposal
from dosing.selectors.creation import creation
from dosing.selectors.reviews import response_review
from protocol.vocabulary import Analyte, Phase
from tests import world_dosing as treat
from tests.world import IDENTITY, World, log_in
from tests.world_labs import morning, record
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import ParameterConfirmation, Query, Role, Subject

READERS = (Role.COORDINATOR, Role.INVESTIGATOR, Role.DATA_MANAGER, Role.MONITOR, Role.STATISTICIAN)


def everything(world: World) -> Any:
    return reading(system_actor("re-evaluation"), world.at)


def place(name: str, subject: Subject, code: str = "m06") -> str:
    kwargs = {"key": subject.key, **({"code": code} if name == "subject_response" else {})}
    return reverse(name, kwargs=kwargs)


def hidden(page: HttpResponse, action: str) -> dict[str, str]:
    """Hidden fields of one form, as a browser without scripting would send them."""
    forms = re.findall(r"<form.*?</form>", page.content.decode(), re.S)
    (form,) = [form for form in forms if f'name="action" value="{action}"' in form]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))


def text_of(page: HttpResponse) -> str:
    """The page as it reads, without tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


# ---------------------------------------------------------------- who sees what

NAMES = ("subject_response", "subject_responses", "subject_dosing")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("role", READERS)
def test_each_role_reads_and_only_some_act(
    world: World, proposal: PhaseProposal, client: Client, role: Role, name: str
) -> None:
    page = log_in(client, world.person(role)).get(place(name, proposal.subject))
    assert page.status_code == 200
    signs = b"Sign phase decision" in page.content
    records = b"Save and go to next day" in page.content
    assert signs == (role is Role.INVESTIGATOR and name == "subject_response")
    assert records == (role in {Role.COORDINATOR, Role.INVESTIGATOR} and name == "subject_dosing")


@pytest.mark.req("A5")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_another_site_does_not_exist(
    world: World, proposal: PhaseProposal, client: Client, name: str, method: str
) -> None:
    log_in(client, world.person(Role.INVESTIGATOR, "02"))
    status = getattr(client, method)(place(name, proposal.subject)).status_code
    assert status == (405 if (method, name) == ("post", "subject_responses") else 404)


@pytest.mark.parametrize("name", NAMES)
def test_nobody_is_sent_to_sign_in(proposal: PhaseProposal, client: Client, name: str) -> None:
    page = client.get(place(name, proposal.subject))
    assert (page.status_code, "sign-in" in page["Location"]) == (302, True)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("menu_without_number")
def test_the_number_of_queries_does_not_grow(world: World, proposal: PhaseProposal, client: Client, name: str) -> None:
    log_in(client, world.person(Role.INVESTIGATOR))
    client.get(place(name, proposal.subject))
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(place(name, proposal.subject))
    for number in (1, 2, 3):
        treat.month(world, proposal.subject, number, "3.8")
        treat.reevaluated(world, proposal.subject)
    with CaptureQueriesContext(connection) as many:
        client.get(place(name, proposal.subject))
    assert len(many) <= len(few) + 1


@pytest.mark.parametrize("code", ["nonsense", "m03", "uns1"])
def test_a_visit_without_a_response_is_not_found(
    world: World, proposal: PhaseProposal, client: Client, code: str
) -> None:
    log_in(client, world.person(Role.INVESTIGATOR))
    assert client.get(place("subject_response", proposal.subject, code)).status_code == 404
    assert client.post(place("subject_response", proposal.subject), {"action": "nonsense"}).status_code == 404
    assert client.post(place("subject_dosing", proposal.subject), {"action": "nonsense"}).status_code == 404


# ---------------------------------------------------------------- the response page


@pytest.mark.req("E10")
def test_the_trace_shows_rule_figures_sources_and_versions(
    world: World, proposal: PhaseProposal, client: Client
) -> None:
    page = log_in(client, world.person(Role.INVESTIGATOR)).get(place("subject_response", proposal.subject))
    html, text = page.content.decode(), text_of(page)
    assert "Stable disease" in text
    assert "Anakinra + low-dose dex" in text
    assert "M-spike down by at least 25% from baseline" in text
    assert "reduction 5.3%" in text
    assert "−5.3%" in text
    assert f'<a href="{reverse("visit_labs", args=[proposal.subject.key, "m06"])}#v_serum_m">3.6</a>' in html
    assert "1.0, IMWG2016" in text
    order = [text.index(name) for name in ("Progressive disease", "Complete response", "Minimal response")]
    assert order == sorted(order)
    assert "187 anakinra days, 27 dexamethasone days" in text
    assert "6 monthly visits from 15 Aug 2024" in text


def answer(page: HttpResponse, **given: str) -> dict[str, str]:
    return {**hidden(page, "decide"), "decision": "agree", "starts_on": "t", **IDENTITY, **given}


@pytest.mark.req("C1", "E4")
def test_signing_needs_no_scripting_and_shows_name_time_and_meaning(
    world: World, proposal: PhaseProposal, client: Client
) -> None:
    url = place("subject_response", proposal.subject)
    investigator = world.person(Role.INVESTIGATOR)
    page = log_in(client, investigator).get(url)
    assert f"I, {investigator.printed_name}, have reviewed this response and approve this treatment." in text_of(page)
    done = client.post(url, answer(page), follow=True)
    text = text_of(done)
    assert "Signed. Anakinra + low-dose dex starts on 12 Jul 2024." in text
    assert investigator.printed_name in text
    assert "12 Jul 2024 11:00 CDT" in text
    assert "Approval of response and treatment" in text


@pytest.mark.req("D13")
def test_the_same_post_twice_is_one_decision(world: World, proposal: PhaseProposal, client: Client) -> None:
    url = place("subject_response", proposal.subject)
    sent = answer(log_in(client, world.person(Role.INVESTIGATOR)).get(url))
    assert client.post(url, sent).status_code == 302
    assert client.post(url, sent).status_code in {302, 422}
    with everything(world):
        assert PhaseDecision.objects.count() == 1


@pytest.mark.req("C5")
@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"password": ""}, "Enter your password to sign."),
        ({"password": "not this one"}, "The user name or the password is not right."),
        ({"starts_on": "gestern"}, "Enter a date such as 12 Mar 2026."),
        ({"starts_on": "+20"}, "The phase can start from 12 Jul 2024"),
        ({"decision": ""}, "Choose one answer."),
        ({"decision": "disagree", "to_phase": "ANAKINRA_ONLY"}, "Say why you decide otherwise."),
        ({"decision": "not_yet"}, "Say what you need from the site."),
    ],
)
def test_refusals_stand_on_the_page_and_nothing_typed_is_lost(
    world: World, proposal: PhaseProposal, client: Client, given: dict[str, str], sentence: str
) -> None:
    url = place("subject_response", proposal.subject)
    page = log_in(client, world.person(Role.INVESTIGATOR)).get(url)
    refused = client.post(url, answer(page, question="", **given))
    assert refused.status_code == 422
    assert sentence in text_of(refused)
    assert "<title>Error: " in refused.content.decode()
    if given.get("starts_on"):
        assert f'value="{given["starts_on"]}"' in refused.content.decode()
    with everything(world):
        assert not PhaseDecision.objects.exists()


@pytest.mark.req("C10")
def test_results_that_changed_meanwhile_are_said(world: World, proposal: PhaseProposal, client: Client) -> None:
    url = place("subject_response", proposal.subject)
    page = log_in(client, world.person(Role.INVESTIGATOR)).get(url)
    record(world, proposal.subject, "m06", treat.MONTH[6], {Analyte.SERUM_M: "3.5"}, reason="Transcription error")
    refused = client.post(url, answer(page))
    assert refused.status_code == 422
    assert "Results that arrived are being evaluated" in text_of(refused)
    waiting = text_of(client.get(url))
    assert "Results that arrived at 12 Jul 2024 11:00 CDT are being evaluated." in waiting
    assert "Sign phase decision" not in waiting
    treat.reevaluated(world, proposal.subject)
    assert "Sign phase decision" in text_of(client.get(url))
    old = client.get(f"{url}?proposal={proposal.pk}")
    assert "Open the newest computation" in text_of(old)
    assert "Sign phase decision" not in text_of(old)


def test_disagreeing_and_asking_the_site(world: World, proposal: PhaseProposal, client: Client) -> None:
    url = place("subject_response", proposal.subject)
    page = log_in(client, world.person(Role.INVESTIGATOR)).get(url)
    client.post(url, answer(page, decision="not_yet", question="Repeat the sample", password=""))
    with everything(world):
        assert Query.objects.get().text == "Repeat the sample"
    page = client.get(url)
    client.post(url, answer(page, decision="disagree", to_phase="ANAKINRA_ONLY", response="MR", reason="Diabetes"))
    with everything(world):
        decision = PhaseDecision.objects.get()
        assert (decision.to_phase, decision.response, decision.reason) == ("ANAKINRA_ONLY", "MR", "Diabetes")
    assert "Diabetes" in text_of(client.get(url))


@pytest.mark.req("C10")
def test_a_stale_page_that_came_back_is_read_anew_and_signed(
    world: World, proposal: PhaseProposal, client: Client
) -> None:
    url = f"{place('subject_response', proposal.subject)}?proposal={proposal.pk}"
    stale = log_in(client, world.person(Role.INVESTIGATOR)).get(url)
    record(world, proposal.subject, "m06", treat.MONTH[6], {Analyte.SERUM_M: "3.45"}, reason="Transcription error")
    treat.reevaluated(world, proposal.subject)
    given = {"decision": "disagree", "to_phase": "ANAKINRA_ONLY", "reason": "Diabetes"}
    back = client.post(url, answer(stale, **given))
    assert "Results changed since this was computed. Read the new computation" in text_of(back)
    assert "3.45" in text_of(back)
    assert 'value="Diabetes"' in back.content.decode()
    assert "Signed." in text_of(client.post(url, answer(back, **given), follow=True))
    with everything(world):
        assert PhaseDecision.objects.get().proposal_id != proposal.pk


@pytest.mark.req("C10")
def test_who_comes_second_is_told_and_reads_the_decision(world: World, proposal: PhaseProposal, client: Client) -> None:
    url = place("subject_response", proposal.subject)
    late = log_in(client, world.person(Role.INVESTIGATOR)).get(url)
    treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    told = client.post(url, answer(late), follow=True)
    assert "This was decided meanwhile." in text_of(told)
    assert "Sign phase decision" not in text_of(told)


@pytest.mark.req("C10")
def test_a_new_result_closes_every_signature_until_it_is_evaluated(
    world: World, proposal: PhaseProposal, client: Client
) -> None:
    """A result that no page shows: what is on the screen stays the same, and nobody knows yet that it does."""
    subject = proposal.subject
    pages = {"m05": "Sign response", "m06": "Sign phase decision"}
    log_in(client, world.person(Role.INVESTIGATOR))
    record(world, subject, "m01", treat.MONTH[1], {Analyte.WBC: "5.1"})
    for code, button in pages.items():
        text = text_of(client.get(place("subject_response", subject, code)))
        assert "are being evaluated. Nothing can be signed until that is done" in text
        assert "If it fails, administration is told, and this page says so." in text
        assert button not in text
    treat.settle_outbox(world.at)
    for code, button in pages.items():
        text = text_of(client.get(place("subject_response", subject, code)))
        assert button in text
        assert "being evaluated" not in text


@pytest.mark.req("C10")
def test_a_stale_page_to_sign_again_is_signed_when_it_came_back(
    world: World, proposal: PhaseProposal, client: Client
) -> None:
    """The same for a decision that is signed again and for a response that is signed alone."""
    subject = proposal.subject
    treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    log_in(client, world.person(Role.INVESTIGATOR))
    record(world, subject, "m06", treat.MONTH[6], {Analyte.SERUM_M: "3.45"}, reason="Transcription error")
    treat.reevaluated(world, subject)
    decided, alone = (place("subject_response", subject, code) for code in ("m06", "m05"))
    stale = {url: client.get(url) for url in (decided, alone)}
    for number, value in ((6, "3.5"), (5, "3.55")):
        typed = {Analyte.SERUM_M: value}
        record(world, subject, f"m{number:02d}", treat.MONTH[number], typed, reason="Transcription error")
    treat.reevaluated(world, subject)
    for url, action, said in (
        (decided, "sign_again", "Signed again."),
        (alone, "sign_response", "The response is signed."),
    ):
        back = client.post(url, {**hidden(stale[url], action), **IDENTITY})
        assert "Results changed since this was computed" in text_of(back)
        assert said in text_of(client.post(url, {**hidden(back, action), **IDENTITY}, follow=True))


@pytest.mark.req("E4")
def test_the_response_alone_can_be_decided_otherwise(world: World, proposal: PhaseProposal, client: Client) -> None:
    url = place("subject_response", proposal.subject)
    page = log_in(client, world.person(Role.INVESTIGATOR)).get(url)
    (first, *_) = re.findall(
        r'<option value="(\w+)"[^>]*>([^<]+)', page.content.decode().partition('name="to_phase"')[2]
    )
    assert first == ("LOW_DEX_7_12", "As proposed: anakinra + low-dose dex (months 7 to 12)")
    same = answer(page, decision="disagree", to_phase="LOW_DEX_7_12", response="", reason="Local laboratory")
    refused = client.post(url, same)
    assert "Choose another response or another phase." in text_of(refused)
    assert 'value="Local laboratory"' in refused.content.decode()
    assert client.post(url, {**same, **hidden(refused, "decide"), "response": "MR"}).status_code == 302
    with everything(world):
        decision = PhaseDecision.objects.get()
        assert (decision.choice, decision.to_phase, decision.response) == ("override", "LOW_DEX_7_12", "MR")


@pytest.mark.req("C1")
def test_the_sentence_above_a_signature_is_the_one_that_is_kept(
    world: World, proposal: PhaseProposal, client: Client
) -> None:
    page = text_of(log_in(client, world.person(Role.INVESTIGATOR)).get(place("subject_response", proposal.subject)))
    decision = treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    assert decision.signature.statement in page


def test_what_every_answer_would_create_is_on_the_page(world: World, proposal: PhaseProposal, client: Client) -> None:
    """Who disagrees starts other counts than the offered ones: they are on the screen as well."""
    treat.confirm_high_dose(world)
    page = text_of(log_in(client, world.person(Role.INVESTIGATOR)).get(place("subject_response", proposal.subject)))
    with everything(world):
        for phase in (Phase.LOW_DEX_7_12, Phase.ANAKINRA_ONLY, Phase.HIGH_DEX):
            made = creation(proposal.subject, phase, treat.today(world, proposal.subject))
            assert made is not None
            assert f"{made.anakinra_days} anakinra days, {made.dexamethasone_days} dexamethasone days" in page, phase
    assert "Anakinra + high-dose dex (six months of high dose) would create" in page.replace(" ( ", " (")


@pytest.mark.req("C4")
def test_a_broken_signature_is_shown_and_signed_again(world: World, proposal: PhaseProposal, client: Client) -> None:
    treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    world.later(1)
    for number in (5, 6):
        typed = {Analyte.SERUM_M: "2.0"}
        record(world, proposal.subject, f"m{number:02d}", treat.MONTH[number], typed, reason="Wrong patient")
    treat.reevaluated(world, proposal.subject)
    url = place("subject_response", proposal.subject)
    page = log_in(client, world.person(Role.INVESTIGATOR)).get(url)
    text = text_of(page)
    assert "Results changed since this was signed" in text
    assert "Broken 13 Jul 2024" in text
    assert "As signed" in text
    assert "Minimal response" in text
    again = {**hidden(page, "sign_again"), **IDENTITY, "password": "wrong"}
    assert "The user name or the password is not right." in text_of(client.post(url, again))
    done = client.post(url, {**again, **IDENTITY}, follow=True)
    assert "Signed again." in text_of(done)
    assert text_of(done).count("Approval of response and treatment") == 2
    unresolved = client.post(url, {**hidden(done, "resolve"), "resolution": ""})
    assert "Say how the decision stands, and why." in text_of(unresolved)
    client.post(url, {**hidden(done, "resolve"), "resolution": "Stays on low dose"})
    with everything(world):
        assert AssignmentDiscrepancy.objects.get().resolution == "Stays on low dose"
    assert "Stays on low dose" in text_of(client.get(url))
    history = text_of(client.get(place("subject_responses", proposal.subject)))
    assert "Signed" in history


@pytest.mark.req("C3", "C4")
def test_what_is_signed_again_is_what_the_page_shows(world: World, proposal: PhaseProposal, client: Client) -> None:
    """The proposal stays the same, so no discrepancy shows the new figures: the page itself has to."""
    treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    record(world, proposal.subject, "m06", treat.MONTH[6], {Analyte.SERUM_M: "3.45"}, reason="Transcription error")
    treat.reevaluated(world, proposal.subject)
    url = place("subject_response", proposal.subject)
    page = log_in(client, world.person(Role.INVESTIGATOR)).get(url)
    now, _, below = page.content.decode().partition("As it was signed")
    then = below.partition("<aside>")[0]
    assert "What the decision at Month 6 rests on now" in now
    assert "3.45" in now
    assert "3.45" not in then
    assert "3.6" in then
    client.post(url, {**hidden(page, "sign_again"), **IDENTITY})
    signed = client.get(url).content.decode()
    assert "As it was signed" not in signed
    assert "3.45" in signed, "the page of a decision shows what its standing signature covers"


@pytest.mark.req("C10", "E3")
def test_a_discrepancy_is_judged_on_the_figures_that_were_read(
    world: World, proposal: PhaseProposal, client: Client
) -> None:
    treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    world.later(1)
    wrong: dict[str, Any] = {"reason": "Wrong patient"}
    for number in (5, 6):
        record(world, proposal.subject, f"m{number:02d}", treat.MONTH[number], {Analyte.SERUM_M: "2.0"}, **wrong)
    treat.reevaluated(world, proposal.subject)
    url = place("subject_response", proposal.subject)
    stale = log_in(client, world.person(Role.INVESTIGATOR)).get(url)
    record(world, proposal.subject, "m06", treat.MONTH[6], {Analyte.SERUM_M: "2.1"}, **wrong)
    early = client.post(url, {**hidden(stale, "resolve"), "resolution": "Stays on low dose"})
    assert early.status_code == 422
    assert "Results that arrived are being evaluated." in text_of(early)
    treat.reevaluated(world, proposal.subject)
    back = client.post(url, {**hidden(stale, "resolve"), "resolution": "Stays on low dose"})
    assert back.status_code == 422
    with everything(world):
        assert AssignmentDiscrepancy.objects.get().resolved_at is None
    assert "The figures changed since you read them." in text_of(back)
    assert "2.1" in text_of(back).partition("Discrepancy after a correction")[2]
    assert "Stays on low dose</textarea>" in back.content.decode()
    done = client.post(url, {**hidden(back, "resolve"), "resolution": "Stays on low dose"}, follow=True)
    assert "The discrepancy is resolved. Nothing was moved." in text_of(done)
    with everything(world):
        assert AssignmentDiscrepancy.objects.get().resolution == "Stays on low dose"


def test_a_response_that_changed_is_approved_or_kept_with_a_reason(world: World, client: Client) -> None:
    proposal = treat.at_month_6(world, values=("1.9", "1.8"))
    treat.sign(world, proposal, Phase.ANAKINRA_ONLY)
    for number in (5, 6):
        typed = {Analyte.SERUM_M: "2.5"}
        record(world, proposal.subject, f"m{number:02d}", treat.MONTH[number], typed, reason="Transcription error")
    treat.reevaluated(world, proposal.subject)
    url = place("subject_response", proposal.subject)
    page = log_in(client, world.person(Role.INVESTIGATOR)).get(url)
    assert "As computed now: minimal response" in text_of(page)
    keep = {**hidden(page, "sign_again"), **IDENTITY, "response": "PR"}
    assert "Say why the response stays as decided." in text_of(client.post(url, keep))
    assert "Signed again." in text_of(client.post(url, {**keep, "reason": "Repeat pending"}, follow=True))


def test_both_references_stand_side_by_side(world: World, proposal: PhaseProposal, client: Client) -> None:
    """Clinical A08: under low dose a second reading against the start of dexamethasone."""
    treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    world.at = morning(date(2024, 9, 13))
    treat.month(world, proposal.subject, 8, "1.8", on=date(2024, 9, 13))
    page = text_of(
        log_in(client, world.person(Role.INVESTIGATOR)).get(place("subject_response", proposal.subject, "m08"))
    )
    assert "Study baseline (decides)" in page
    assert "Start of low-dose dexamethasone" in page


@pytest.mark.req("E10")
def test_under_high_dose_the_table_and_the_trace_have_one_baseline(world: World, client: Client) -> None:
    subject = treat.on_anakinra(world, baseline="3.0")
    for number, value in ((1, "2.6"), (2, "5.0"), (3, "5.2")):
        treat.month(world, subject, number, value)
    progression = treat.reevaluated(world, subject)
    assert progression is not None
    treat.confirm_high_dose(world)
    treat.sign(world, progression, Phase.HIGH_DEX)
    treat.month(world, subject, 5, "3.9")
    page = text_of(log_in(client, world.person(Role.INVESTIGATOR)).get(place("subject_response", subject, "m05")))
    assert "At high dose" in page
    assert "Start of high dose (decides)" in page
    assert "Study baseline, last sample before high dose" in page
    with everything(world):
        content = response_review(subject, "m05", world.at.date())
    assert content is not None
    (serum,) = [row for row in content["used"] if row["analyte"] == Analyte.SERUM_M.value]
    assert (serum["baseline"]["value"], serum["nadir"]["value"], serum["from_baseline"]) == ("5.2", "3.9", "-25")


@pytest.mark.req("C3")
def test_a_response_alone_is_signed_on_its_own_page(world: World, proposal: PhaseProposal, client: Client) -> None:
    url = place("subject_response", proposal.subject, "m05")
    page = log_in(client, world.person(Role.INVESTIGATOR)).get(url)
    sent = {**hidden(page, "sign_response"), **IDENTITY}
    wrong = client.post(url, {**sent, "password": "wrong"})
    assert "The user name or the password is not right." in text_of(wrong)
    assert "Results changed" in text_of(client.post(url, {**sent, "shown": "other"}))
    assert "The response is signed." in text_of(client.post(url, sent, follow=True))
    assert "Approval of response" in text_of(client.get(url))


def test_before_any_result_the_page_says_what_is_missing(world: World, on_anakinra: Subject, client: Client) -> None:
    subject = on_anakinra
    world.at = morning(treat.MONTH[6])
    treat.reevaluated(world, subject)
    page = log_in(client, world.person(Role.INVESTIGATOR)).get(place("subject_response", subject))
    assert "No response can be shown for this visit yet" in text_of(page)
    assert "an evaluable sample in the window" in text_of(page)


def test_early_progression_offers_high_dose_or_the_end(world: World, client: Client) -> None:
    subject = treat.on_anakinra(world, baseline="3.0")
    treat.month(world, subject, 2, "3.9")
    treat.month(world, subject, 3, "4.0")
    treat.reevaluated(world, subject)
    url = place("subject_response", subject, "m03")
    page = log_in(client, world.person(Role.INVESTIGATOR)).get(url)
    text = text_of(page)
    assert "Progressive disease" in text
    assert "Anakinra + high-dose dex" in text
    assert "Or off treatment" in text
    assert "its dose in mg is not confirmed by signature" in text
    assert "not confirmed by signature. Confirm it first." in text_of(client.post(url, answer(page)))
    treat.confirm_high_dose(world)
    assert client.post(url, answer(client.get(url))).status_code == 302


# ---------------------------------------------------------------- the parameter


@pytest.mark.req("C1")
def test_an_investigator_confirms_the_high_dose(world: World, client: Client) -> None:
    url = reverse("protocol_parameter", kwargs={"name": "high_dex_mg"})
    page = log_in(client, world.person(Role.INVESTIGATOR)).get(url)
    token = dict(re.findall(r'name="(token)" value="([^"]*)"', page.content.decode()))
    sent = {**token, "value": "40", "reason": "Section 5.2", **IDENTITY}
    for given, sentence in (
        ({"password": "wrong"}, "The user name or the password is not right."),
        ({"value": "forty"}, "Enter a number, for example 40."),
        ({"value": "-1"}, "Enter a dose above 0"),
        ({"value": "NaN"}, "Enter a dose above 0"),
        ({"reason": ""}, "Say on what the confirmation rests."),
    ):
        refused = client.post(url, {**sent, **given})
        assert (refused.status_code, sentence in text_of(refused)) == (422, True)
    client.post(url, sent)
    client.post(url, sent)
    with everything(world):
        assert ParameterConfirmation.objects.get().value == "40"
    assert world.person(Role.INVESTIGATOR).printed_name in text_of(client.get(url))


def test_others_read_the_parameter(world: World, client: Client) -> None:
    url = reverse("protocol_parameter", kwargs={"name": "high_dex_mg"})
    log_in(client, world.person(Role.COORDINATOR))
    assert "Investigators confirm parameters." in text_of(client.get(url))
    assert client.post(url, {"value": "40", "reason": "x", **IDENTITY}).status_code in {403, 422}
    fixed = client.get(reverse("protocol_parameter", kwargs={"name": "anakinra_mg"}))
    assert "fixed in the protocol version" in text_of(fixed)
    assert client.get(reverse("protocol_parameter", kwargs={"name": "nonsense"})).status_code == 404


# ---------------------------------------------------------------- the calendar


@pytest.fixture
def treated(world: World, on_anakinra: Subject) -> Subject:
    world.at = morning(treat.DAY1 + timedelta(days=30))
    return on_anakinra


def test_the_first_dose_is_entered_where_there_is_no_calendar_yet(world: World, client: Client) -> None:
    subject = treat.registered(world)
    url = place("subject_dosing", subject)
    page = log_in(client, world.person(Role.COORDINATOR)).get(url)
    sent = {**hidden(page, "start"), "first_dose_on": "1 jan 2024"}
    assert "cannot lie before registration" in text_of(client.post(url, sent))
    assert "Enter the date of the first dose." in text_of(client.post(url, {**sent, "first_dose_on": ""}))
    done = client.post(url, {**sent, "first_dose_on": "t"}, follow=True)
    assert "Treatment has begun." in text_of(done)
    assert "M1 D1" in text_of(done)


def test_a_subject_in_screening_has_no_calendar(world: World, client: Client) -> None:
    page = log_in(client, world.person(Role.COORDINATOR)).get(place("subject_dosing", world.subject()))
    assert "no first dose was given" in text_of(page)


def test_a_month_shows_dates_protocol_days_doses_and_visits(world: World, treated: Subject, client: Client) -> None:
    page = log_in(client, world.person(Role.COORDINATOR)).get(f"{place('subject_dosing', treated)}?month=2024-02")
    text = text_of(page)
    for words in ("February 2024", "Months 1 and 2 on study", "M2 D1", "Anakinra 100", "Month 1 visit", "M1"):
        assert words in text
    assert "Wednesday 14 February, month 1 day 31: Anakinra 100 mg SC to record today" in text


def test_thirty_days_are_filled_in_one_post(world: World, treated: Subject, client: Client) -> None:
    url = place("subject_dosing", treated)
    page = log_in(client, world.person(Role.COORDINATOR)).get(url)
    html = page.content.decode()
    assert 'name="first_on" value="16 Jan 2024"' in html
    assert 'name="last_on" value="14 Feb 2024"' in html
    sent = {
        **hidden(page, "fill"),
        "drug": "anakinra",
        "first_on": "16 Jan 2024",
        "last_on": "14 Feb 2024",
        "status": "taken",
    }
    assert "30 days recorded as taken." in text_of(client.post(url, sent, follow=True))
    assert "0 days recorded as taken. 30 recorded before stay as they are." in text_of(
        client.post(url, sent, follow=True)
    )
    assert "is in the future" in text_of(client.post(url, {**sent, "last_on": "15 Feb 2024"}))
    assert "Say why the doses were held." in text_of(client.post(url, {**sent, "status": "held"}))


@pytest.mark.req("B5")
def test_a_day_is_recorded_corrected_and_taken_back(world: World, treated: Subject, client: Client) -> None:
    url = f"{place('subject_dosing', treated)}?day=2024-01-20"
    page = log_in(client, world.person(Role.COORDINATOR)).get(url)
    sent = {**hidden(page, "record"), "anakinra": "missed"}
    assert "Say why anakinra was missed." in text_of(client.post(url, sent))
    done = client.post(url, {**sent, "anakinra_reason": "Other", "anakinra_detail": "Lost the syringe"})
    assert done["Location"].endswith("?day=2024-01-21#calendar")
    page = client.get(url)
    assert "Anakinra missed" in text_of(page)
    assert 'value="Lost the syringe"' in page.content.decode()
    assert "Say why the recorded dose is changed" in text_of(client.post(url, {**sent, "anakinra": "taken"}))
    client.post(url, {**sent, "anakinra": "taken", "change_reason": "Diary read wrongly"})
    with everything(world):
        assert DoseRecord.objects.get(on="2024-01-20", superseded_at=None).status == "TAKEN"
    back = {**hidden(page, "undo"), "drug": "anakinra", "first_on": "20jan", "last_on": "20jan", "why": ""}
    assert "Say why." in text_of(client.post(url, back))
    assert "1 day taken back" in text_of(client.post(url, {**back, "why": "Wrong subject"}, follow=True))
    assert "No anakinra dose is recorded" in text_of(client.post(url, {**back, "why": "Wrong subject"}))
    assert "Choose taken, missed or held." in text_of(client.post(url, hidden(page, "record") | {"action": "record"}))


def test_a_future_day_has_no_form(world: World, treated: Subject, client: Client) -> None:
    url = f"{place('subject_dosing', treated)}?day=2024-03-01"
    page = log_in(client, world.person(Role.COORDINATOR)).get(url)
    assert "This day is in the future." in text_of(page)
    assert "Save and go to next day" not in text_of(page)


@pytest.mark.req("E6")
def test_high_dose_days_stand_in_the_calendar(world: World, client: Client) -> None:
    subject = treat.on_anakinra(world, baseline="3.0")
    treat.month(world, subject, 2, "3.9")
    treat.month(world, subject, 3, "4.0")
    proposal = treat.reevaluated(world, subject)
    assert proposal is not None
    treat.confirm_high_dose(world)
    treat.sign(world, proposal, Phase.HIGH_DEX)
    page = log_in(client, world.person(Role.COORDINATOR)).get(f"{place('subject_dosing', subject)}?month=2024-04")
    html = page.content.decode()
    days = [int(day) for day in re.findall(r"day (\d+) April[^<]*Dexamethasone 40 mg", html)]
    assert [*range(12, 16), *range(20, 24), *range(28, 31)] == days
