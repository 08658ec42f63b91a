"""Grades of vital signs: what is suggested, what an investigator judges, and one click to an event."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse

from labs.services import VisitFacts, record_visit
from protocol.ctcae_words import criterion
from protocol.vitals import FROM_GRADE, TERMS, Vitals, vital_grades
from protocol.vocabulary import CtcaeVersion
from safety.models import VitalJudgement
from safety.selectors import vital_suggestions
from safety.services import judge_vitals_not_significant
from safety.vocabulary import TERMS as OFFERED
from tests.world import World, log_in
from tests.world_followup import who
from tests.world_labs import morning, treated_subject
from tests.world_safety import an_event, reported
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Role, Subject, Visit
from trialsite.services.subjects import Refused

DAY1, MONTH1, MONTH2 = date(2024, 3, 4), date(2024, 4, 4), date(2024, 5, 4)
V5 = CtcaeVersion.V5
D = Decimal


# ---------------------------------------------------------------- the rule


@pytest.mark.parametrize(
    ("now", "base", "found"),
    [
        (Vitals(139, 89), Vitals(), []),  # grade 1 is not suggested
        (Vitals(140, 70), Vitals(118, 70), [("Hypertension", 2)]),
        (Vitals(118, 90), Vitals(118, 70), [("Hypertension", 2)]),
        (Vitals(150, 100), Vitals(118, 70), [("Hypertension", 3)]),
        (Vitals(159, 99), Vitals(142, 70), []),  # grade 2 at baseline already
        (Vitals(160, 99), Vitals(142, 70), [("Hypertension", 3)]),
        (Vitals(None, 101), Vitals(), [("Hypertension", 3)]),
        (Vitals(temperature_c=D("37.9")), Vitals(), []),
        (Vitals(temperature_c=D("38.0")), Vitals(), [("Fever", 1)]),
        (Vitals(temperature_c=D("39.0")), Vitals(), [("Fever", 1)]),
        (Vitals(temperature_c=D("39.1")), Vitals(), [("Fever", 2)]),
        (Vitals(temperature_c=D("40.1")), Vitals(), [("Fever", 3)]),
        (Vitals(weight_kg=D("73.4")), Vitals(weight_kg=D(70)), []),
        (Vitals(weight_kg=D("73.5")), Vitals(weight_kg=D(70)), [("Weight gain", 1)]),
        (Vitals(weight_kg=D(77)), Vitals(weight_kg=D(70)), [("Weight gain", 2)]),
        (Vitals(weight_kg=D(84)), Vitals(weight_kg=D(70)), [("Weight gain", 3)]),
        (Vitals(weight_kg=D(60)), Vitals(weight_kg=D(70)), []),
        (Vitals(weight_kg=D(84)), Vitals(), []),  # no baseline: nothing to compare with
        (Vitals(), Vitals(), []),
        (Vitals(170, 80, D("38.5"), D(80)), Vitals(120, 80, D("36.5"), D(70)),
         [("Hypertension", 3), ("Fever", 1), ("Weight gain", 2)]),
    ],
)  # fmt: skip
def test_figures_suggest_a_grade_above_baseline(now: Vitals, base: Vitals, found: list[tuple[str, int]]) -> None:
    assert [(one.term, one.grade) for one in vital_grades(now, base, V5)] == found


def test_the_terms_are_offered_and_each_grade_that_is_suggested_has_a_criterion() -> None:
    assert set(TERMS) <= OFFERED
    for term in TERMS:
        assert all(criterion(term, V5, grade) for grade in range(FROM_GRADE.get(term, 1), 4)), term
    assert criterion("Hypertension", V5, 2) == "systolic from 140 to 160 mmHg or diastolic from 90 to 100 mmHg"


# ---------------------------------------------------------------- the road


@pytest.fixture
def world(kept_world: World) -> Iterator[World]:
    with reading(system_actor("verification"), kept_world.at):
        yield kept_world


def furnish(world: World) -> Subject:
    subject = treated_subject(world, day1=DAY1)
    measured(world, subject, "bl", DAY1, systolic=120, diastolic=80, weight_kg=D(70))
    return subject


def measured(world: World, subject: Subject, code: str, on: date, *, reason: str = "", **figures: Any) -> Visit:
    world.at = max(world.at, morning(on))
    facts = VisitFacts(on, bedside_not_done="The rest was not asked for", **figures)
    return record_visit(**who(world, subject), code=code, facts=facts, reason=reason)


def judge(world: World, subject: Subject, role: Role = Role.INVESTIGATOR) -> int:
    (one,) = vital_suggestions(subject)
    shown = frozenset(each.visit.pk for each in one.waiting)
    return judge_vitals_not_significant(**who(world, subject, role), term=one.worst.found.term, visit_ids=shown)


@pytest.mark.req("D9")
def test_an_investigator_judges_what_was_shown_and_a_worse_correction_waits_anew(
    world: World, subject: Subject
) -> None:
    measured(world, subject, "m01", MONTH1, systolic=145, diastolic=85)
    measured(world, subject, "m02", MONTH2, systolic=150, diastolic=85)
    with pytest.raises(PermissionDenied):
        judge(world, subject, Role.COORDINATOR)
    assert judge(world, subject) == 2
    assert vital_suggestions(subject) == []
    everything = frozenset(VitalJudgement.objects.values_list("visit_id", flat=True))
    again = who(world, subject, Role.INVESTIGATOR)
    assert judge_vitals_not_significant(**again, term="Hypertension", visit_ids=everything) == 0
    measured(world, subject, "m02", MONTH2, systolic=165, diastolic=85, reason="Transcription error")
    assert [one.worst.found.grade for one in vital_suggestions(subject)] == [3]
    assert judge(world, subject) == 1
    with pytest.raises(Refused, match="do not wait"):
        judge_vitals_not_significant(**again, term="Fever", visit_ids=everything)


def test_an_event_covers_its_days_and_a_higher_grade_points_at_it(world: World, subject: Subject) -> None:
    measured(world, subject, "m01", MONTH1, systolic=145, diastolic=85)
    reported(world, subject, an_event("Hypertension", 2, "4 apr 2024"))
    assert vital_suggestions(subject) == []
    measured(world, subject, "m02", MONTH2, systolic=165, diastolic=85)
    (one,) = vital_suggestions(subject)
    assert one.event is not None
    assert (one.worst.found.grade, one.event.number) == (3, 1)


def test_the_log_offers_the_judgement_and_one_click_to_the_event(
    world: World, client: Client, subject: Subject
) -> None:
    visit = measured(world, subject, "m01", MONTH1, temperature_c=D("38.6"))
    url = reverse("subject_adverse_events", args=[subject.key])
    log_in(client, world.person(Role.INVESTIGATOR))
    shown = client.get(url).content.decode()
    assert "Fever, grade 1" in shown
    assert "38.6 °C" in shown
    assert reverse("visit", args=[subject.key, "m01"]) in shown
    form = reverse("adverse_event_new", args=[subject.key])
    assert f"{form}?term=Fever&amp;grade=1&amp;visit=m01" in shown
    assert 'value="4 Apr 2024"' in client.get(f"{form}?term=Fever&grade=1&visit=m01").content.decode()
    assert client.post(url, {"term": "Fever", "visit": visit.pk}).status_code == 302
    assert VitalJudgement.objects.get().grade == 1
    judged = client.get(url).content.decode()
    assert "Grades to judge" not in judged
    taken = {"action": "take_back", "kind": "vital_judgement", "judgement": VitalJudgement.objects.get().pk}
    assert "Chills" in client.post(url, {**taken, "why": "Chills"}, follow=True).content.decode()
    assert [one.worst.found.grade for one in vital_suggestions(subject)] == [1]
