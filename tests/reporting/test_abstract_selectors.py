"""Who is found as a patient of the abstract, and what is counted of them: on subjects built for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from enrollment.services import mark_subject_in_error
from labs.models import Specimen
from labs.services import Assessed, mark_disease_assessment_in_error, mark_specimen_in_error, record_disease_assessment
from protocol.vocabulary import Analyte, Phase
from reporting.selectors.abstract import AbstractLine, abstract_lines, held
from tests import world_dosing as treat
from tests.world import World
from tests.world_labs import record
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Role, Subject

#: The fourth patient of the table, whose stable disease is of an M-protein that one sample confirms.
ON_STUDY = {Analyte.PCLI: "4.1", Analyte.HS_CRP: "3.39", Analyte.SERUM_M: "3.8"}
SIX_MONTHS = {Analyte.PCLI: "1", Analyte.HS_CRP: "1.51", Analyte.SERUM_M: "3.6"}
SCREENED = date(2024, 1, 10)
BASELINE = treat.DAY1


def everything(world: World) -> Any:
    return reading(system_actor("re-evaluation"), world.at)


def who(world: World, subject: Subject) -> dict[str, Any]:
    coordinator = world.person(Role.COORDINATOR)
    return {"by": coordinator, "at": world.at, "subject_id": subject.pk, "site_id": subject.site_id}


def published(world: World, changed: Mapping[Analyte, str] | None = None) -> Subject:
    """On anakinra; the screening values are those of the fourth patient, but for `changed`."""
    subject = treat.registered(world)
    record(world, subject, "scr", SCREENED, {**ON_STUDY, **(changed or {})})
    return treat.start(world, subject)


def fourth(world: World) -> list[AbstractLine]:
    with everything(world):
        return [line for line in abstract_lines() if line.published.patient == 4]


def found(world: World) -> set[str]:
    with everything(world):
        return {line.subject.key for line in abstract_lines() if line.subject}


def test_a_patient_is_found_by_the_values_that_stand(world: World) -> None:
    subject = published(world, {Analyte.SERUM_M: "3.7"})
    assert found(world) == set()
    record(world, subject, "scr", SCREENED, {Analyte.SERUM_M: "3.8"}, reason="Transcription error")
    assert found(world) == {subject.key}
    record(world, subject, "scr", SCREENED, {Analyte.SERUM_M: "3.9"}, reason="It was right")
    assert found(world) == set()


def test_the_newest_sample_counts_in_whichever_order_they_were_entered(world: World) -> None:
    """The one of Day 1 is entered first."""
    subject = treat.start(world, treat.registered(world))
    record(world, subject, "bl", BASELINE, ON_STUDY)
    record(world, subject, "scr", SCREENED, {**ON_STUDY, Analyte.SERUM_M: "3.3"})
    assert [line.on_study for line in fourth(world)] == [Decimal("4.1"), Decimal("3.39"), Decimal("3.8")]
    assert found(world) == {subject.key}


@pytest.mark.parametrize("code", ["scr", "m06"])
def test_what_was_entered_in_error_counts_nowhere(world: World, code: str) -> None:
    subject = published(world)
    record(world, subject, "m06", treat.MONTH[6], SIX_MONTHS)
    assert [line.six_months for line in fourth(world)] == [Decimal(1), Decimal("1.51"), Decimal("3.6")]
    with everything(world):
        specimen = Specimen.objects.get(visit__code=code, results__analyte=Analyte.SERUM_M)
    mark_specimen_in_error(**who(world, subject), specimen_id=specimen.pk, reason="Another person's")
    lines = fourth(world)
    if code == "scr":
        assert [line.subject for line in lines] == [None] * 3
    else:
        assert [line.six_months for line in lines] == [Decimal(1), Decimal("1.51"), None]
        assert [line.result is None for line in lines] == [False, False, True]


def test_a_subject_entered_in_error_is_nobody_of_the_seven(world: World) -> None:
    """Screened twice: the first was the error, and its number is the smaller one."""
    world.at = treat.morning(SCREENED)
    twice = world.subject()
    record(world, twice, "scr", SCREENED, ON_STUDY)
    assert found(world) == {twice.key}
    mark_subject_in_error(**who(world, twice), reason="Screened twice")
    assert found(world) == set()
    subject = published(world)
    assert found(world) == {subject.key}


def test_only_who_is_registered_counts_as_enrolled(world: World) -> None:
    world.subject()
    mark_subject_in_error(**who(world, world.subject()), reason="Screened twice")
    treat.registered(world)
    with everything(world):
        assert held(abstract_lines()).registered == 1


def low_dose(world: World) -> bool:
    with everything(world):
        (patient,) = held(abstract_lines()).seven
        return patient.low_dose


@pytest.mark.parametrize(("to", "counts"), [(Phase.LOW_DEX_7_12, True), (Phase.ANAKINRA_ONLY, False)])
def test_low_dose_counts_once_it_is_signed(world: World, to: Phase, counts: bool) -> None:  # noqa: FBT001
    """That the rules propose it is no treatment, and an investigator may decide otherwise."""
    subject = published(world)
    for number, value in ((5, "3.7"), (6, "3.6")):
        record(world, subject, f"m{number:02}", treat.MONTH[number], {**SIX_MONTHS, Analyte.SERUM_M: value})
    proposal = treat.reevaluated(world, subject)
    assert proposal is not None
    assert proposal.kind == "ASSIGN_LOW_DEX"
    assert not low_dose(world)
    treat.sign(world, proposal, to, reason="" if counts else "No dexamethasone: diabetes")
    assert low_dose(world) is counts


def marrow(world: World) -> Decimal | None:
    with everything(world):
        (patient,) = held(abstract_lines()).seven
        return patient.marrow


def assessed(world: World, subject: Subject, code: str, on: date, share: str, reason: str = "") -> None:
    form = (
        Assessed(marrow_on=on, bm_pc=Decimal(share)) if share else Assessed(immunofixation_on=on, serum_ife="POSITIVE")
    )
    record_disease_assessment(**who(world, subject), visit_code=code, assessed=form, reason=reason)


def test_the_newest_marrow_that_stands_counts(world: World) -> None:
    """The one of Day 1 is entered first, then corrected; the form without a marrow says nothing."""
    subject = published(world)
    assert marrow(world) is None
    assessed(world, subject, "bl", BASELINE, "22")
    assessed(world, subject, "scr", SCREENED, "14")
    assert marrow(world) == 22
    assessed(world, subject, "bl", BASELINE, "21", reason="Transcription error")
    assert marrow(world) == 21
    world.later(40)
    assessed(world, subject, "m01", BASELINE + timedelta(days=30), "35")
    assert marrow(world) == 21, "a marrow under treatment says nothing of how one qualified"
    mark_disease_assessment_in_error(**who(world, subject), visit_code="bl", reason="Another person's")
    assert marrow(world) == 14
    assessed(world, subject, "bl", BASELINE, "")
    assert marrow(world) == 14
