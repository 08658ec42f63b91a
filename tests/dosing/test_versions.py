"""Protocol versions: compared, activated by signature, and consented to by one subject after the other."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dosing import services
from dosing.models import AssignmentDiscrepancy, PhaseProposal
from dosing.selectors.reviews import reaffirmation, response_review
from dosing.selectors.versions import activation_content, effect_of
from enrollment.selectors import site_day
from enrollment.services import ConsentGiven, FormVersion, add_consent_form
from enrollment.services.consents import store_consent
from labs.models import ResponseAssessment
from labs.selectors import latest_response
from labs.services import FieldsRefused, adopt_protocol_version
from protocol.versions import AMENDMENT_1, ORIGINAL
from protocol.vocabulary import Analyte, CriterionOutcome, Phase, Response
from reporting.selectors.efficacy import efficacy
from reporting.selectors.replay import as_known_on, as_true_on, faulty_decisions
from safety.services import Medication, record_medication
from tests import world_dosing as treat
from tests.world import PASSWORD, World, log_in, new_world, train
from tests.world_enrollment import complete, consented_again, form_in_force, registered
from tests.world_labs import record
from trialsite.access import Actor, Duty, system_actor
from trialsite.context import reading, writing
from trialsite.models import (
    ParameterConfirmation,
    ProtocolActivation,
    ProtocolPeriod,
    Role,
    Signature,
    Subject,
    Training,
)
from trialsite.partial_dates import on_day
from trialsite.services.signatures import digest
from trialsite.services.subjects import Refused, Stale, lock_subject
from trialsite.services.training import take_back_training

NEW, OLD = AMENDMENT_1.version, ORIGINAL.version
PLACE = "/protocol/compare/"


@pytest.fixture
def world(db: None) -> World:
    world = new_world()
    for role in Role:
        world.person(role)
    return world


def everything(world: World) -> Any:
    return reading(system_actor("re-evaluation"), world.at)


def shown(world: World, by: Actor) -> str:
    with reading(by, world.at):
        return digest(activation_content(AMENDMENT_1, ORIGINAL, effect_of(AMENDMENT_1, world.at)))


def activate(world: World, **changed: Any) -> ProtocolActivation:
    by = changed.pop("by", world.person(Role.INVESTIGATOR))
    given: dict[str, Any] = {
        "proof": world.proof(by),
        "site_id": world.sites["01"].pk,
        "token": uuid4(),
        "version": NEW,
        "shown": "" if "shown" in changed else shown(world, by),
        "reason": "Approved by the ethics committee on 3 March 2024",
    }
    return services.activate_protocol(by=by, at=world.at, **{**given, **changed})


def consent_again(world: World, subject: Subject, on: date | None = None, version: str = NEW) -> None:
    by = world.person(Role.COORDINATOR, subject.site.code)
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=subject.site_id, at=world.at):
        adopt_protocol_version(
            subject=lock_subject(subject.pk),
            version=version,
            on=on or treat.today(world, subject),
            why="Consent form of version 2.0 signed",
            at=world.at,
        )


def in_minimal_response(world: World, site: str = "01") -> Subject:
    """Months 5 and 6 are 28 days apart: confirmed without a least distance, not with 42 days."""
    return treat.at_month_6(world, site, ("2.6", "2.5")).subject


def judged(subject: Subject) -> dict[str, Any]:
    """Everything by which an old subject could be judged."""
    newest = latest_response(subject)
    assert newest is not None
    proposals = PhaseProposal.objects.filter(subject=subject).order_by("id")
    return {
        "assessments": list(ResponseAssessment.objects.filter(subject=subject).values_list("fingerprint", "result")),
        "version": newest.protocol_version,
        "proposals": list(proposals.values_list("fingerprint", "status")),
        "efficacy": efficacy(),
    }


# ---------------------------------------------------------------- activation


@pytest.mark.req("H3", "C3")
def test_activation_is_a_signature_over_what_was_shown(world: World) -> None:
    subject = in_minimal_response(world)
    made = activate(world)
    with everything(world):
        content = made.signature.content
        assert (made.version, made.replaces, made.signature.record_type) == (NEW, OLD, "protocol_version")
        assert digest(content) == made.signature.digest
        assert [(one["subject"], one["under"]) for one in content["reclassified"]] == [(subject.number, ["MR", "SD"])]
        assert {row["section"] for row in content["changes"]} >= {"Parameters", "Response criteria by version"}


@pytest.mark.req("H3")
def test_nobody_is_screened_under_a_draft(world: World) -> None:
    before = world.subject()
    activate(world)
    after = world.subject()
    assert (before.protocol_version, after.protocol_version) == (OLD, NEW)
    with everything(world):
        periods = ProtocolPeriod.objects.order_by("id").values_list("subject_id", "version", "starts_on")
        assert list(periods) == [(before.pk, OLD, before.screened_on), (after.pk, NEW, after.screened_on)]


@pytest.mark.req("A8", "C1")
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.INVESTIGATOR])
def test_only_investigators_activate(world: World, role: Role) -> None:
    by = world.person(role)
    with pytest.raises(PermissionDenied):
        activate(world, by=by, shown="x")


def test_the_same_form_twice_activates_once(world: World) -> None:
    token = uuid4()
    first = activate(world, token=token)
    assert activate(world, token=token, shown="whatever").pk == first.pk


@pytest.mark.req("C3")
def test_what_changed_since_it_was_shown_blocks_activation(world: World) -> None:
    seen = shown(world, world.person(Role.INVESTIGATOR))
    in_minimal_response(world)
    with pytest.raises(Stale):
        activate(world, shown=seen)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"reason": "  "}, "on what the activation rests"),
        ({"version": OLD, "shown": "x"}, f"version {OLD} is in force"),
        ({"version": "9.9", "shown": "x"}, "cannot be activated"),
    ],
)
def test_activation_is_refused(world: World, changed: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        activate(world, **changed)


def test_what_is_confirmed_now_is_confirmed_for_the_next_version_first(world: World) -> None:
    treat.confirm_high_dose(world)
    with pytest.raises(Refused, match="High-dose dexamethasone"):
        activate(world)
    treat.confirm_high_dose(world, version=NEW)
    assert activate(world).version == NEW


def test_what_was_confirmed_and_taken_back_need_not_be_confirmed_for_the_next_version(world: World) -> None:
    treat.confirm_high_dose(world)
    by = world.person(Role.INVESTIGATOR)
    with everything(world):
        confirmation = ParameterConfirmation.objects.get()
    services.withdraw_confirmation(
        by=by, at=world.at, proof=world.proof(by), site_id=world.sites["01"].pk, confirmation_id=confirmation.pk,
        reason="Another trial's protocol",
    )  # fmt: skip
    assert activate(world).version == NEW


def test_a_version_in_force_is_not_activated_again(world: World) -> None:
    activate(world)
    with pytest.raises(Refused, match="is in force"):
        activate(world, shown="x")


# ---------------------------------------------------------------- subjects stay on theirs


@pytest.mark.req("E1", "H3")
def test_an_old_subject_is_judged_as_before_after_activation(world: World) -> None:
    proposal = treat.at_month_6(world, values=("2.6", "2.5"))
    subject = proposal.subject
    with everything(world):
        before = judged(subject)
    activate(world)
    treat.reevaluated(world, subject)
    with everything(world):
        assert judged(subject) == before
    assert (proposal.kind, proposal.detail["protocol_version"]) == ("ASSIGN_ANAKINRA_ONLY", OLD)
    decided = treat.sign(world, proposal, Phase.ANAKINRA_ONLY)
    assert decided.snapshot["shown"]["protocol_version"] == OLD


@pytest.mark.req("E1", "E4")
def test_who_consents_again_is_judged_anew(world: World) -> None:
    subject = in_minimal_response(world)
    activate(world)
    consent_again(world, subject)
    treat.settle_outbox(world.at)
    with everything(world):
        newest = latest_response(subject)
        assert newest is not None
        assert (newest.protocol_version, newest.criteria_version) == (NEW, "IMWG2011")
        assert Response(newest.confirmed) is Response.SD
        pending = PhaseProposal.objects.get(subject=subject, status="pending")
        assert pending.detail["protocol_version"] == NEW
        assert pending.kind != "ASSIGN_ANAKINRA_ONLY"


@pytest.mark.req("E1", "E6")
def test_what_was_signed_before_keeps_its_version(world: World) -> None:
    """No discrepancy from consenting again, replay by the version of the signature, and no response signed unseen."""
    proposal = treat.at_month_6(world, values=("2.6", "2.5"))
    subject = proposal.subject
    world.at += timedelta(hours=1)
    treat.sign(world, proposal, Phase.ANAKINRA_ONLY)
    with everything(world):
        assert [row.response_state for row in efficacy()] == ["SIGNED"]
    activate(world)
    signed_at = world.at
    world.at = world.later(2)
    consent_again(world, subject)
    treat.settle_outbox(world.at)
    with everything(world):
        found = Subject.objects.select_related("site").get(pk=subject.pk)
        assert not AssignmentDiscrepancy.objects.exists()
        assert list(faulty_decisions()) == []
        assert as_known_on(found, signed_at.date()).latest["protocol_version"] == OLD
        assert as_known_on(found, world.at.date()).latest["protocol_version"] == NEW
        (row,) = efficacy()
        assert (row.response_state, row.protocol_version, row.criteria_version) == ("UNSIGNED", NEW, "IMWG2011")


@pytest.mark.req("E1")
def test_who_is_on_the_version_already_is_not_counted_among_those_whom_it_would_judge(world: World) -> None:
    first, _ = in_minimal_response(world), in_minimal_response(world)
    with everything(world):
        before = effect_of(AMENDMENT_1, world.at)
    activate(world)
    consent_again(world, first)
    with everything(world):
        after = effect_of(AMENDMENT_1, world.at)
    assert (before.judged, before.screened, before.everywhere.treated) == (2, 2, 2)
    assert (after.judged, after.screened, after.everywhere.treated) == (1, 1, 1)


@pytest.mark.req("E1", "E3")
def test_a_consent_entered_late_counts_from_its_day_in_what_was_true_and_from_its_entry_in_what_was_known(
    world: World,
) -> None:
    subject = in_minimal_response(world)
    activate(world)
    signed_on = treat.today(world, subject)
    world.later(5)
    consent_again(world, subject, on=signed_on)
    with everything(world):
        found = Subject.objects.select_related("site").get(pk=subject.pk)
        days = [signed_on - timedelta(days=1), signed_on, treat.today(world, subject)]
        true = [as_true_on(found, day).latest["protocol_version"] for day in days]
        known = [as_known_on(found, day).latest["protocol_version"] for day in days]
    assert true == [OLD, NEW, NEW]
    assert known == [OLD, OLD, NEW]


@pytest.mark.req("E7")
def test_a_correction_after_consenting_again_is_measured_by_the_version_that_was_signed(world: World) -> None:
    proposal = treat.at_month_6(world, values=("2.6", "2.5"))
    subject = proposal.subject
    treat.sign(world, proposal, Phase.ANAKINRA_ONLY)
    activate(world)
    consent_again(world, subject)
    record(world, subject, "m06", treat.MONTH[6], {Analyte.SERUM_M: "2.4"}, reason="Transcription error")
    treat.reevaluated(world, subject)
    with everything(world):
        assert not AssignmentDiscrepancy.objects.exists()
    record(world, subject, "m06", treat.MONTH[6], {Analyte.SERUM_M: "3.7"}, reason="Transcription error")
    treat.reevaluated(world, subject)
    with everything(world):
        assert AssignmentDiscrepancy.objects.count() == 1


@pytest.mark.req("C4", "E1")
@pytest.mark.parametrize("alone", [False, True])
def test_what_is_learned_later_is_weighed_by_the_version_that_was_signed(world: World, alone: bool) -> None:  # noqa: FBT001
    """A therapy between two samples 28 days apart takes a confirmation away that the newer version never gave."""
    proposal = treat.at_month_6(world, values=("1.9", "1.8"))
    subject = proposal.subject
    if alone:
        sign_response_alone(world, subject, "m06")
    else:
        treat.sign(world, proposal, Phase.ANAKINRA_ONLY)
    activate(world)
    world.later(1)
    consent_again(world, subject)
    treat.reevaluated(world, subject)
    standing = Signature.objects.filter(record_type="response" if alone else "phase_decision", events=None)
    with everything(world):
        assert standing.exists(), "consenting again takes nothing back"
    record_medication(
        by=world.person(Role.COORDINATOR), at=world.at, token=uuid4(), subject_id=subject.pk, site_id=subject.site_id,
        medication=Medication("Lenalidomide", "Myeloma", on_day(date(2024, 7, 1)), is_anti_myeloma=True),
    )  # fmt: skip
    treat.reevaluated(world, subject)
    with everything(world):
        assert not standing.exists()


@pytest.mark.req("C4", "E1")
def test_a_decision_is_signed_again_as_its_own_version_judges_it(world: World) -> None:
    decision = treat.sign(world, treat.at_month_6(world, values=("1.9", "1.8")), Phase.ANAKINRA_ONLY)
    activate(world)
    world.later(1)
    consent_again(world, decision.subject)
    with everything(world):
        subject = Subject.objects.select_related("site").get(pk=decision.subject_id)
        assert subject.protocol_version == NEW
        shown = reaffirmation(subject, decision)["shown"]
    assert (shown["protocol_version"], shown["status"]) == (OLD, "PR")


def sign_response_alone(world: World, subject: Subject, code: str) -> None:
    investigator = world.person(Role.INVESTIGATOR)
    with everything(world):
        shown = digest(response_review(subject, code, treat.today(world, subject)) or {})
    services.sign_response(
        by=investigator, at=world.at, proof=world.proof(investigator), subject_id=subject.pk, site_id=subject.site_id,
        token=uuid4(), code=code, shown=shown,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("version", "days", "words"),
    [(NEW, 0, "not in force"), (OLD, 0, "not in force"), ("9.9", 0, "not in force")],
)
def test_consent_to_a_draft_is_refused(world: World, version: str, days: int, words: str) -> None:
    subject = in_minimal_response(world)
    with pytest.raises(Refused, match=words):
        consent_again(world, subject, version=version)


def test_consent_again_is_refused_twice_and_before_the_first(world: World) -> None:
    subject = in_minimal_response(world)
    activate(world)
    with pytest.raises(Refused, match=r"when version 1\.0 was agreed to"):
        consent_again(world, subject, on=date(2023, 1, 1))
    consent_again(world, subject)
    with pytest.raises(Refused, match="already"):
        consent_again(world, subject)


# ---------------------------------------------------------------- the page


@pytest.mark.req("E1")
def test_the_page_shows_rows_and_whom_it_would_judge_otherwise(world: World, client: Client) -> None:
    subject = in_minimal_response(world)
    page = log_in(client, world.person(Role.DATA_MANAGER)).get(PLACE).content.decode()
    for words in ("IMWG 2011 (Rajkumar)", "42 days", "1 of 1 treated subject", "Minimal response"):
        assert words in page
    assert f'href="/subjects/{subject.key}/responses/m06/"' in page
    assert f'href="/subjects/{subject.key}/responses/"' in page
    assert "Activate version" not in page


@pytest.mark.req("A5")
def test_a_site_sees_only_its_own(world: World, client: Client) -> None:
    own, other = in_minimal_response(world), in_minimal_response(world, "02")
    page = log_in(client, world.person(Role.COORDINATOR)).get(PLACE).content.decode()
    assert own.number in page
    assert other.number not in page
    page = log_in(Client(), world.person(Role.ADMIN)).get(PLACE).content.decode()
    assert own.number not in page
    assert "IMWG 2011 (Rajkumar)" in page


@pytest.mark.req("H3", "A5")
def test_of_other_sites_an_amendment_counts_and_names_nobody(world: World, client: Client) -> None:
    in_minimal_response(world)
    other = in_minimal_response(world, "02")
    page = log_in(client, world.person(Role.INVESTIGATOR)).get(PLACE)
    text = " ".join(re.sub("<[^>]+>", " ", page.content.decode()).split())
    assert "1 of 1 treated subject" in text
    assert "Responses judged otherwise 2 of 2 treated" in text
    assert other.number not in text
    manager = log_in(Client(), world.person(Role.DATA_MANAGER)).get(PLACE).content.decode()
    assert "All sites together" not in manager, "all of them are named there"


@pytest.mark.req("H3", "D2")
def test_an_amendment_lists_whose_eligibility_it_would_judge_otherwise(world: World) -> None:
    enrolled, screening = registered(world), complete(world, birth_year=1961)
    complete(world, "02")
    beyond = Decimal(100_000)
    stricter = replace(AMENDMENT_1.measurable, serum_m=beyond, urine_m=beyond, flc_involved=beyond)
    with reading(world.person(Role.INVESTIGATOR), world.at):
        same = effect_of(AMENDMENT_1, world.at)
        found = effect_of(replace(AMENDMENT_1, measurable=stricter), world.at)
        content = activation_content(AMENDMENT_1, ORIGINAL, found)
    assert (same.rejudged, same.screened, same.everywhere.screened) == ((), 2, 3)
    assert {one.subject.pk: (one.criteria, one.now, one.under) for one in found.rejudged} == {
        one.pk: (("I04",), CriterionOutcome.MET, CriterionOutcome.NOT_MET) for one in (enrolled, screening)
    }
    assert found.everywhere.rejudged == 3
    assert {one["subject"] for one in content["rejudged"]} == {enrolled.number, screening.number}


def test_eligibility_is_judged_for_the_day_of_registration_and_in_screening_for_today(world: World) -> None:
    enrolled, screening = registered(world), complete(world, birth_year=1961)
    world.later(1)
    beyond = Decimal(100_000)
    stricter = replace(AMENDMENT_1.measurable, serum_m=beyond, urine_m=beyond, flc_involved=beyond)
    with reading(world.person(Role.INVESTIGATOR), world.at):
        found = effect_of(replace(AMENDMENT_1, measurable=stricter), world.at)
    assert {one.subject.pk: one.on for one in found.rejudged} == {
        enrolled.pk: enrolled.registered_on,
        screening.pk: treat.today(world, screening),
    }
    assert enrolled.registered_on != treat.today(world, enrolled)


@pytest.mark.req("A4")
def test_who_is_not_trained_in_a_version_is_named_before_it_is_activated(world: World) -> None:
    """Whoever signs, and whoever records training, reads whose work would stop."""
    untrained = world.person(Role.COORDINATOR)
    record = Training.objects.get(user_id=untrained.user_id, protocol_version=NEW)
    take_back_training(by=world.admin, at=world.at, training_id=record.pk, reason="Another person's certificate")
    pages = {
        role: log_in(Client(), world.person(role)).get(PLACE).content.decode()
        for role in (Role.INVESTIGATOR, Role.ADMIN, Role.COORDINATOR)
    }
    assert f"Site 01: {untrained.printed_name}, coordinator" in pages[Role.INVESTIGATOR]
    assert f'/training/new/">{untrained.printed_name}</a>' in pages[Role.ADMIN]
    assert "Not trained in version" not in pages[Role.COORDINATOR]
    train(world, untrained.user_id or 0, NEW)
    page = log_in(Client(), world.person(Role.INVESTIGATOR)).get(PLACE).content.decode()
    assert "Not trained in version" not in page


@pytest.mark.usefixtures("menu_without_number")
def test_the_page_asks_as_often_for_many_subjects_as_for_one(world: World, client: Client) -> None:
    in_minimal_response(world)
    log_in(client, world.person(Role.DATA_MANAGER)).get(PLACE)
    with CaptureQueriesContext(connection) as few:
        client.get(PLACE)
    in_minimal_response(world, "02")
    with CaptureQueriesContext(connection) as many:
        client.get(PLACE)
    assert len(many) == len(few)


@pytest.mark.req("C1", "C2")
def test_an_investigator_activates_on_the_page(world: World, client: Client) -> None:
    in_minimal_response(world)
    by = world.person(Role.INVESTIGATOR)
    page = log_in(client, by).get(PLACE)
    form = page.context["form"]
    sent = {"token": form["token"].value(), "shown": form["shown"].value(), "reason": "Approved on 3 March 2024"}
    wrong = client.post(PLACE, {**sent, "username": "investigator.01", "password": "wrong"})
    assert wrong.status_code == 422
    assert "Approved on 3 March 2024" in wrong.content.decode()
    name = by.printed_name
    right = {**sent, "username": page.wsgi_request.user.username, "password": PASSWORD}
    stale = client.post(PLACE, {**right, "shown": "x"})
    assert stale.status_code == 422
    assert "no longer what was shown" in stale.content.decode()
    assert "Approved on 3 March 2024" in stale.content.decode()
    done = client.post(PLACE, right, follow=True)
    assert "is in force for whoever is screened from now on" in done.content.decode()
    assert name in client.get("/protocol/").content.decode()
    assert f"protocol version {NEW}" in client.get("/protocol/").content.decode()


def test_each_version_has_its_page(world: World, client: Client) -> None:
    log_in(client, world.person(Role.STATISTICIAN))
    old, new = (client.get(f"/protocol/{version}/").content.decode() for version in (OLD, NEW))
    assert "In force" in old
    assert "Draft" in new
    assert "at least 42 days later" in new
    assert "at least 42 days later" not in old
    assert client.get("/protocol/9.9/").status_code == 404
    assert client.get(f"{PLACE}?from=9.9").status_code == 404
    assert "No row differs" in client.get(f"{PLACE}?from={NEW}&to={NEW}").content.decode()


# ---------------------------------------------------------------- consent to the amendment


def amended_form(world: World, version: str = "3.0", protocol_version: str = NEW) -> None:
    today = site_day(world.at, world.sites["01"])
    new = FormVersion(
        version, today, today, needs_reconsent=True, changes="Amendment 1", protocol_version=protocol_version
    )
    add_consent_form(by=world.person(Role.DATA_MANAGER), at=world.at, site_id=world.sites["01"].pk, new=new)


def consented(world: World, subject: Subject) -> Subject:
    """The first consent of a subject, to the form of the first version."""
    form_in_force(world, subject.site.code)
    by, given = world.person(Role.COORDINATOR, subject.site.code), ConsentGiven("2.0", subject.screened_on, time(0, 1))
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=subject.site_id, at=world.at):
        store_consent(by=by, at=world.at, subject=subject, given=given, is_adult=True)
    return subject


@pytest.mark.req("H3", "D1")
def test_from_activation_by_a_new_consent_to_a_response_derived_anew(world: World) -> None:
    """The subject stays on the old version until the form of the amendment is signed, and moves in that instant."""
    subject = consented(world, in_minimal_response(world))
    other = treat.at_month_6(world, "02", ("2.6", "2.5")).subject
    activate(world)
    amended_form(world)
    with everything(world):
        assert judged(subject)["version"] == OLD
    consented_again(world, subject)
    with everything(world):
        moved, stayed = (Subject.objects.get(pk=one.pk) for one in (subject, other))
        assert (moved.protocol_version, stayed.protocol_version) == (NEW, OLD)
        periods = list(ProtocolPeriod.objects.filter(subject=subject).values_list("version", "starts_on"))
        assert periods[-1] == (NEW, site_day(world.at, subject.site))
        newest = latest_response(moved)
        assert newest is not None
        assert (newest.protocol_version, newest.confirmed) == (NEW, Response.SD)
        assert judged(stayed)["version"] == OLD


@pytest.mark.req("H3")
def test_consent_to_a_form_that_names_no_version_moves_nobody(world: World) -> None:
    subject = consented(world, in_minimal_response(world))
    activate(world)
    amended_form(world, protocol_version="")
    consented_again(world, subject)
    with everything(world):
        assert Subject.objects.get(pk=subject.pk).protocol_version == OLD


@pytest.mark.req("H3", "D3")
@pytest.mark.parametrize(("version", "words"), [(NEW, "is not in force"), ("9.9", "There is no protocol version")])
def test_a_form_names_no_version_that_is_not_in_force(world: World, version: str, words: str) -> None:
    form_in_force(world)
    with pytest.raises(FieldsRefused, match=words):
        amended_form(world, protocol_version=version)
