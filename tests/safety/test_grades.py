"""Laboratory grades: what is suggested, what an investigator judges, and one click to an event."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse

from labs.entries import Entry
from labs.models import Laboratory, LabResult
from protocol.toxicity import TERM_FOR, row_for
from protocol.units import canonical_unit
from protocol.vocabulary import Analyte
from safety.models import AdverseEvent, GradeJudgement
from safety.selectors import Suggestion, suggestions
from safety.services import judge_not_significant, take_back_judgement
from safety.vocabulary import CTCAE
from tests.world import World, log_in
from tests.world_followup import who
from tests.world_labs import laboratory, limits, record, treated_subject
from tests.world_safety import an_event, reported
from trialsite import clock
from trialsite.models import Role, Subject
from trialsite.services.subjects import Refused

DAY1, MONTH1, MONTH2 = date(2024, 3, 4), date(2024, 4, 4), date(2024, 5, 4)
NEUTROPENIA = "Neutrophil count decreased"


def furnish(world: World) -> Subject:
    return treated_subject(world, day1=DAY1)


@pytest.fixture
def lab(world: World, subject: Subject) -> Laboratory:
    made = laboratory(world)
    limits(world, made, Analyte.ANC, "1.7", "7.0")
    limits(world, made, Analyte.HB, "12.0", "16.0")
    limits(world, made, Analyte.CALCIUM, "8.6", "10.2")
    limits(world, made, Analyte.CREATININE, "0.6", "1.1")
    record(world, subject, "bl", DAY1, {Analyte.ANC: "3.1", Analyte.HB: "11.5", Analyte.CREATININE: "0.6"}, lab=made)
    return made


def found(subject: Subject) -> list[tuple[str, int]]:
    return [(one.worst.term, one.worst.grade) for one in suggestions(subject)]


def judge(world: World, subject: Subject, one: Suggestion, role: Role = Role.INVESTIGATOR) -> int:
    shown = frozenset(graded.value.result.pk for graded in one.waiting)
    return judge_not_significant(**who(world, subject, role), term=one.worst.term, lab_result_ids=shown)


@pytest.mark.parametrize("pair", TERM_FOR)
def test_every_term_is_graded_in_the_unit_in_which_results_are_stored(pair: tuple[Analyte, str]) -> None:
    row = row_for(TERM_FOR[pair], CTCAE)
    assert row.unit == canonical_unit(pair[0])
    assert row.high is (pair[1] == "high")


def test_a_result_above_its_baseline_grade_is_suggested(world: World, subject: Subject, lab: Laboratory) -> None:
    assert suggestions(subject) == []
    record(world, subject, "m01", MONTH1, {Analyte.ANC: "1.2", Analyte.HB: "11.0"}, lab=lab)
    assert found(subject) == [(NEUTROPENIA, 2)]  # hemoglobin has the grade that it had at baseline
    record(world, subject, "m02", MONTH2, {Analyte.ANC: "0.9", Analyte.HB: "9.8"}, lab=lab)
    assert found(subject) == [(NEUTROPENIA, 3), ("Anemia", 2)]
    assert len(suggestions(subject)[0].waiting) == 2


def test_the_baseline_limb_of_creatinine_counts(world: World, subject: Subject, lab: Laboratory) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.CREATININE: "1.0"}, lab=lab)
    assert found(subject) == [("Creatinine increased", 2)]


def test_calcium_is_corrected_for_albumin(world: World, subject: Subject, lab: Laboratory) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.CALCIUM: "9.6", Analyte.ALBUMIN: "2.0"}, lab=lab)
    assert ("Hypercalcemia", 1) in found(subject)


def test_a_value_is_graded_in_the_unit_in_which_it_was_typed(world: World, subject: Subject, lab: Laboratory) -> None:
    """99 g/L is below 100 g/L; the limit of 12.0 g/dL is moved to 120 g/L."""
    record(world, subject, "m01", MONTH1, {Analyte.HB: Entry("99", unit="g/L")}, lab=lab)
    (one,) = suggestions(subject)
    assert (one.worst.value.unit, one.worst.grade, one.worst.value.low) == ("g/L", 2, 120)


def test_without_a_limit_and_before_the_first_dose_nothing_is_suggested(world: World) -> None:
    before = world.subject()
    assert suggestions(before) == []


@pytest.mark.req("E3")
def test_a_corrected_result_waits_anew(world: World, subject: Subject, lab: Laboratory) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.ANC: "1.2"}, lab=lab)
    assert judge(world, subject, suggestions(subject)[0]) == 1
    assert suggestions(subject) == []
    record(world, subject, "m01", MONTH1, {Analyte.ANC: "0.8"}, lab=lab, reason="Transcription error")
    assert found(subject) == [(NEUTROPENIA, 3)]


def test_only_what_was_shown_is_judged_and_once(world: World, subject: Subject, lab: Laboratory) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.ANC: "1.2"}, lab=lab)
    shown = suggestions(subject)[0]
    record(world, subject, "m02", MONTH2, {Analyte.ANC: "1.1"}, lab=lab)
    assert judge(world, subject, shown) == 1
    assert judge(world, subject, shown) == 0
    assert GradeJudgement.objects.count() == 1
    assert found(subject) == [(NEUTROPENIA, 2)]
    with pytest.raises(Refused, match="do not wait"):
        judge_not_significant(
            **who(world, subject, Role.INVESTIGATOR), term="Anemia", lab_result_ids=frozenset({10**6})
        )


def take_back(world: World, subject: Subject, role: Role = Role.INVESTIGATOR, **changed: object) -> GradeJudgement:
    given = {"kind": "grade_judgement", "judgement_id": GradeJudgement.objects.latest("id").pk, "reason": "Bleeding"}
    return take_back_judgement(**who(world, subject, role), **{**given, **changed})


@pytest.mark.req("D9", "B5")
def test_a_judgement_is_taken_back_with_a_reason_and_the_grade_waits_anew(
    world: World, subject: Subject, lab: Laboratory
) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.ANC: "1.2"}, lab=lab)
    judge(world, subject, suggestions(subject)[0])
    with pytest.raises(Refused, match="Say why"):
        take_back(world, subject, reason=" ")
    with pytest.raises(PermissionDenied):
        take_back(world, subject, Role.COORDINATOR)
    assert take_back(world, subject).withdrawn_reason == "Bleeding"
    assert found(subject) == [(NEUTROPENIA, 2)]
    with pytest.raises(Refused, match="does not stand"):
        take_back(world, subject)
    assert judge(world, subject, suggestions(subject)[0]) == 1
    assert [one.withdrawn_reason for one in GradeJudgement.objects.order_by("id")] == ["Bleeding", ""]
    assert suggestions(subject) == []


@pytest.mark.req("D9")
@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.DATA_MANAGER, Role.MONITOR])
def test_only_an_investigator_judges(world: World, subject: Subject, lab: Laboratory, role: Role) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.ANC: "1.2"}, lab=lab)
    with pytest.raises(PermissionDenied):
        judge(world, subject, suggestions(subject)[0], role)


def test_an_event_covers_the_results_of_its_days_up_to_its_grade(
    world: World, subject: Subject, lab: Laboratory
) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.ANC: "1.2"}, lab=lab)
    reported(world, subject, an_event(NEUTROPENIA, 2, "4 apr 2024"))
    assert suggestions(subject) == []
    record(world, subject, "m02", MONTH2, {Analyte.ANC: "0.9"}, lab=lab)
    (one,) = suggestions(subject)
    assert one.event is not None
    assert (one.worst.grade, one.event.grade) == (3, 2)


def test_an_event_that_ended_before_covers_nothing(world: World, subject: Subject, lab: Laboratory) -> None:
    record(world, subject, "m02", MONTH2, {Analyte.ANC: "1.2"}, lab=lab)
    reported(world, subject, an_event(NEUTROPENIA, 2, "4 apr 2024", "20 apr 2024"))
    assert found(subject) == [(NEUTROPENIA, 2)]


# ---------------------------------------------------------------- pages


@pytest.fixture
def low(world: World, subject: Subject, lab: Laboratory, monkeypatch: pytest.MonkeyPatch) -> LabResult:
    record(world, subject, "m01", MONTH1, {Analyte.ANC: "1.2"}, lab=lab)
    monkeypatch.setattr(clock, "now", lambda: world.at)
    return LabResult.objects.get(analyte="anc", specimen__visit__code="m01")


@pytest.mark.req("D14")
def test_one_click_leads_to_an_event_with_term_grade_and_criterion(
    world: World, client: Client, subject: Subject, low: LabResult
) -> None:
    log_in(client, world.person(Role.COORDINATOR))
    log = client.get(reverse("subject_adverse_events", args=[subject.key])).content.decode()
    assert "Grade 2: below 1.5 to 1.0 ×10⁹/L" in log
    assert "Not clinically significant" not in log
    new = reverse("adverse_event_new", args=[subject.key])
    address = f"{new}?term=Neutrophil+count+decreased&amp;grade=2&amp;result={low.pk}"
    assert address in log
    page = client.get(address.replace("&amp;", "&")).content.decode()
    assert 'value="4 Apr 2024"' in page
    assert f'name="lab_result" value="{low.pk}"' in page
    sent = {
        "term": NEUTROPENIA, "grade": "2", "started": "4 Apr 2024", "outcome": "NOT_RECOVERED", "lab_result": low.pk,
        "attribution_anakinra": "PROBABLE", "action_anakinra": "NONE", "attribution_dexamethasone": "NOT_GIVEN",
        "action_dexamethasone": "NOT_GIVEN", "token": "00000000-0000-4000-8000-000000000001",
    }  # fmt: skip
    shown = client.post(new, sent, follow=True).content.decode()
    assert "Grades to judge" not in shown
    assert AdverseEvent.objects.get().lab_result == low


def test_the_investigator_judges_on_the_page(world: World, client: Client, subject: Subject, low: LabResult) -> None:
    log_in(client, world.person(Role.INVESTIGATOR))
    page = reverse("subject_adverse_events", args=[subject.key])
    assert "Not clinically significant" in client.get(page).content.decode()
    sent = {"term": NEUTROPENIA, "result": [str(low.pk)]}
    assert "was judged not clinically significant" in client.post(page, sent, follow=True).content.decode()
    taken = {"action": "take_back", "kind": "grade_judgement", "judgement": GradeJudgement.objects.get().pk}
    empty = client.post(page, {**taken, "why": " "})
    assert (empty.status_code, "Say why you take the judgement back." in empty.content.decode()) == (422, True)
    done = client.post(page, {**taken, "why": "Fever on the same day"}, follow=True).content.decode()
    assert "Fever on the same day" in done
    assert "Not clinically significant" in done
    twice = client.post(page, {**taken, "why": "Again"})
    assert (twice.status_code, "does not stand any more" in twice.content.decode()) == (422, True)
    refused = client.post(page, {"term": "Anemia", "result": ["x", "1"]})
    assert refused.status_code == 422
    assert "do not wait for a judgement" in refused.content.decode()


def test_a_foreign_result_leads_to_no_event(world: World, client: Client, subject: Subject, low: LabResult) -> None:
    stranger = treated_subject(world, day1=DAY1)
    with pytest.raises(Refused, match="no such laboratory result"):
        reported(world, stranger, an_event(NEUTROPENIA, 2, "4 mar 2024"), lab_result_id=low.pk)
