"""A signature stands exactly as long as what was shown stands: a result added late breaks it, as a correction does."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from dosing import selectors, services
from dosing.models import PhaseDecision
from dosing.selectors.reviews import response_review
from dosing.selectors.shown import computed
from dosing.views.response_page import response_signatures
from labs.services import Assessed, FieldsRefused, ReasonMissing, RowsRefused, record_disease_assessment
from protocol.vocabulary import Analyte, Phase
from reporting.next_step import tasks
from reporting.selectors.facts import facts_of
from reporting.selectors.replay import as_known_on, faulty_decisions
from safety.services import Medication, mark_medication_in_error, record_medication
from tests import world_dosing as treat
from tests.dosing.test_decisions import sign_again
from tests.world import World
from tests.world_labs import record
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Role, Signature, Subject
from trialsite.partial_dates import on_day
from trialsite.services.signatures import digest

#: What can come late: rows of the trace, rows that are only listed, and rows that are neither.
VALUES = {
    Analyte.SERUM_M: ("1.7", "3.4", "5.2"),
    Analyte.FLC_KAPPA: ("12", "30"),
    Analyte.HB: ("8.9", "12.5"),
    Analyte.HS_CRP: ("4.0",),
    Analyte.CALCIUM: ("9.4", "12.2"),
    Analyte.WBC: ("5.1",),
}
VISITS = {"m01": treat.MONTH[1], "m03": treat.MONTH[3], "m05": treat.MONTH[5], "m06": treat.MONTH[6]}


def everything(world: World) -> Any:
    return reading(system_actor("re-evaluation"), world.at)


@pytest.fixture
def decision(world: World, month_6_decision: PhaseDecision) -> PhaseDecision:
    world.later(1)
    return month_6_decision


def stands(world: World, decision: PhaseDecision) -> bool:
    treat.reevaluated(world, decision.subject)
    with everything(world):
        return selectors.standing_signature(decision) is not None


def digest_now(world: World, decision: PhaseDecision) -> str:
    """The digest of what the investigator would have been shown on that day, with what is recorded now."""
    with everything(world):
        subject = Subject.objects.select_related("site").get(pk=decision.subject_id)
        course = selectors.course_of(subject)
        lived = tuple(span for span in course.phases if span.phase is Phase.INDUCTION)
        day = selectors.site_day(subject.site, decision.decided_at)
        before = replace(course, phases=lived, decisions=())
        return computed(subject, day, before, Phase.INDUCTION).fingerprint


@pytest.mark.req("C3", "C4", "E3")
def test_a_signature_stands_exactly_while_the_digest_of_what_was_shown_stands(
    world: World, decision: PhaseDecision
) -> None:
    signed = digest(decision.snapshot["shown"])
    seen: set[bool] = set()

    @settings(max_examples=12, deadline=None, derandomize=True)
    @given(
        code=st.sampled_from(sorted(VISITS)),
        late=st.sampled_from([(analyte, value) for analyte, values in VALUES.items() for value in values]),
    )
    def holds(code: str, late: tuple[Analyte, str]) -> None:
        with suppress(_Undo), transaction.atomic():
            with suppress(ReasonMissing, RowsRefused, FieldsRefused):
                record(world, decision.subject, code, VISITS[code], {late[0]: late[1]})
            kept = digest_now(world, decision) == signed
            seen.add(kept)
            assert stands(world, decision) is kept
            raise _Undo

    holds()
    assert seen == {True, False}, "both kinds of late result were tried"


class _Undo(Exception):
    """Each example begins where the last one began."""


@pytest.mark.req("C4")
def test_a_late_result_breaks_by_name_and_the_decision_waits_to_be_signed_again(
    world: World, decision: PhaseDecision
) -> None:
    record(world, decision.subject, "m06", treat.MONTH[6], {Analyte.HB: "12.5"})
    assert not stands(world, decision)
    with everything(world):
        (ended,) = selectors.signatures_of(decision)[0].events.all()
        assert (ended.kind, ended.reason) == ("broken", "Month 6: Haemoglobin 12.5 g/dL entered after the signature")
        assert [one.pk for one in selectors.broken_decisions()] == [decision.pk]
        assert Subject.objects.get(pk=decision.subject_id).state == "LOW_DEX_7_12"
        assert not selectors.open_discrepancies().exists(), "the same would be proposed"
    sign_again(world, decision)
    assert stands(world, decision), "it was signed with the late result"


@pytest.mark.req("C4")
def test_a_disease_assessment_entered_late_breaks_by_name(world: World, decision: PhaseDecision) -> None:
    record_disease_assessment(
        by=world.person(Role.COORDINATOR), at=world.at, subject_id=decision.subject_id, site_id=decision.site_id,
        visit_code="m06",
        assessed=Assessed(imaging_on=treat.MONTH[6], imaging_method="MRI", bone_lesions="NEW_OR_ENLARGED"),
    )  # fmt: skip
    assert not stands(world, decision)
    with everything(world):
        (ended,) = selectors.signatures_of(decision)[0].events.all()
    assert ended.reason == "Month 6: disease assessment entered after the signature"


@pytest.mark.req("C4")
def test_what_comes_after_the_day_of_the_signature_breaks_nothing(world: World, decision: PhaseDecision) -> None:
    on = treat.MONTH[6] + timedelta(days=3)
    world.later(5)
    record(world, decision.subject, "uns1", on, {Analyte.SERUM_M: "5.2"})
    assert stands(world, decision)


@pytest.mark.req("C4")
def test_a_therapy_recorded_late_breaks_a_signature_under_a_response_that_it_unconfirms(world: World) -> None:
    proposal = treat.at_month_6(world, values=("1.9", "1.8"))
    decision = treat.sign(world, proposal, Phase.ANAKINRA_ONLY)
    world.later(1)
    coordinator = world.person(Role.COORDINATOR)
    record_medication(
        by=coordinator, at=world.at, token=uuid4(), subject_id=decision.subject_id, site_id=decision.site_id,
        medication=Medication("Lenalidomide", "Myeloma", on_day(date(2024, 7, 1)), is_anti_myeloma=True),
    )  # fmt: skip
    assert not stands(world, decision)


@pytest.mark.req("C4", "E3")
def test_a_therapy_entered_in_error_breaks_what_was_decided_with_it_and_rewrites_no_past(world: World) -> None:
    subject = treat.at_month_6(world, values=("1.9", "1.8")).subject
    whose: dict[str, Any] = {"subject_id": subject.pk, "site_id": subject.site_id}
    coordinator = world.person(Role.COORDINATOR)
    stored = record_medication(
        by=coordinator, at=world.at, token=uuid4(), **whose,
        medication=Medication("Lenalidomide", "Myeloma", on_day(date(2024, 7, 1)), is_anti_myeloma=True),
    )  # fmt: skip
    world.later(1)
    signed_on = treat.today(world, subject)
    proposal = treat.reevaluated(world, subject)
    assert proposal is not None
    decision = treat.sign(world, proposal, Phase.ANAKINRA_ONLY, reason="No dexamethasone: diabetes")
    said = decision.snapshot["shown"]["status"]
    world.later(3)
    assert stands(world, decision)
    mark_medication_in_error(by=coordinator, at=world.at, medication_id=stored.pk, reason="Another subject's", **whose)
    assert not stands(world, decision)
    with everything(world):
        known = Subject.objects.select_related("site").get(pk=subject.pk)
        assert [one.pk for one in selectors.broken_decisions()] == [decision.pk]
        assert list(faulty_decisions()) == []
        then, now = (as_known_on(known, day).result for day in (signed_on, treat.today(world, subject)))
        assert then is not None
        assert now is not None
        assert (then.content["status"], now.content["status"]) == (said, "PR")
        assert said != "PR"
    sign_again(world, decision)
    assert stands(world, decision)


def sign_month_5(world: World, subject: Subject) -> None:
    """The response alone, as it is shown now."""
    investigator, today = world.person(Role.INVESTIGATOR), treat.today(world, subject)
    with everything(world):
        shown = digest(response_review(Subject.objects.select_related("site").get(pk=subject.pk), "m05", today) or {})
    services.sign_response(
        by=investigator, at=world.at, proof=world.proof(investigator), subject_id=subject.pk, site_id=subject.site_id,
        token=uuid4(), code="m05", shown=shown,
    )  # fmt: skip


@pytest.mark.req("C4")
def test_a_therapy_breaks_what_was_signed_before_it_and_not_what_was_signed_with_it(world: World) -> None:
    proposal = treat.at_month_6(world, values=("1.9", "1.8"))
    decision = treat.sign(world, proposal, Phase.ANAKINRA_ONLY)
    world.later(1)
    record_medication(
        by=world.person(Role.COORDINATOR), at=world.at, token=uuid4(), subject_id=decision.subject_id,
        site_id=decision.site_id,
        medication=Medication("Lenalidomide", "Myeloma", on_day(date(2024, 7, 1)), is_anti_myeloma=True),
    )  # fmt: skip
    world.later(1)
    sign_month_5(world, decision.subject)
    assert not stands(world, decision)
    with everything(world):
        assert Signature.objects.filter(record_type="response", events=None).exists()


@pytest.mark.req("C4")
@pytest.mark.parametrize(("late", "kept"), [("m05", False), ("m03", True)])
def test_a_response_signed_alone_breaks_with_its_own_visit(world: World, late: str, kept: bool) -> None:  # noqa: FBT001
    subject = treat.at_month_6(world).subject
    sign_month_5(world, subject)
    world.later(1)
    record(world, subject, late, VISITS[late], {Analyte.WBC: "5.1", Analyte.HB: "12.5"})
    treat.reevaluated(world, subject)
    with everything(world):
        assert Signature.objects.filter(record_type="response", events=None).exists() is kept
        known = Subject.objects.select_related("site").get(pk=subject.pk)
        waiting = [one.words for one in tasks(facts_of([known], world.at)[subject.pk])]
        assert ("Sign response at Month 5 again" in waiting) is not kept
        (listed,) = response_signatures(known, "m05")
        assert (listed.broken_at is None) is kept
        assert response_signatures(known, "m03") == [], "of another visit"
