"""A mistyped year of birth is corrected at its source; a subject that should not be there is marked, never deleted."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from enrollment.models import EligibilitySnapshot
from enrollment.selectors import site_day
from enrollment.services import Identity, correct_identity, mark_subject_in_error, screen_subject
from labs.models import LabResult
from labs.services import FieldsRefused
from protocol.vocabulary import Analyte, CriterionOutcome
from tests import world_dosing as treat
from tests.enrollment.test_eligibility import look
from tests.world import World, log_in
from tests.world_enrollment import central_laboratory, complete, screened, screening, sent, signed, with_labs
from tests.world_labs import limits, record
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import AuditEvent, Query, Role, Subject
from trialsite.services.subjects import Refused


def who(world: World, subject: Subject) -> dict[str, Any]:
    by = world.person(Role.COORDINATOR, subject.site.code)
    return {"by": by, "at": world.at, "subject_id": subject.pk, "site_id": subject.site_id}


def everything(world: World) -> Any:
    return reading(system_actor("verification"), world.at)


def again(world: World, subject: Subject) -> Subject:
    with everything(world):
        return Subject.objects.select_related("site").get(pk=subject.pk)


@pytest.mark.req("D2")
def test_a_corrected_year_of_birth_is_judged_and_kept_in_the_trail(world: World) -> None:
    subject = screened(world, birth_year=1960)
    minor = site_day(world.at, subject.site).year - 17
    correct_identity(**who(world, subject), identity=Identity(minor, "F", is_adult=False), reason="Read the chart")
    assert look(world, again(world, subject))["I01"] is CriterionOutcome.NOT_MET
    correct_identity(**who(world, subject), identity=Identity(1960, "F", is_adult=True), reason="Digits swapped")
    assert look(world, again(world, subject))["I01"] is CriterionOutcome.MET
    with everything(world):
        event = AuditEvent.objects.filter(table="trialsite_subject", op="UPDATE", new__birth_year=1960).last()
        assert event is not None
        assert event.reason == "Digits swapped"


@pytest.mark.req("D2", "C4")
def test_limits_are_looked_up_anew_and_signatures_break(world: World) -> None:
    limits(world, central_laboratory(world), Analyte.CREATININE, "0.6", "1.2", sex="M")
    subject = complete(world, sex="F")
    signed(world, subject, sent(world, subject))
    with everything(world):
        before = LabResult.objects.get(subject=subject, analyte=Analyte.CREATININE.value, superseded_at=None)
    correct_identity(**who(world, subject), identity=Identity(1960, "M", is_adult=True), reason="Wrong box")
    with everything(world):
        after = LabResult.objects.get(pk=before.pk)
        assert (before.reference_high, after.reference_high) == (Decimal("1.04"), Decimal("1.2"))
        assert (after.value, after.version) == (before.value, before.version)
        snapshot = EligibilitySnapshot.objects.get(subject=subject)
        assert snapshot.signature is not None
        assert snapshot.signature.events.get().reason.endswith("Wrong box")


def test_what_cannot_be_is_refused_and_the_same_again_changes_nothing(world: World) -> None:
    subject = screened(world, birth_year=1960)
    with pytest.raises(FieldsRefused, match="Say why"):
        correct_identity(**who(world, subject), identity=Identity(1961, "F", is_adult=True), reason=" ")
    for identity in (Identity(2015, "F", is_adult=True), Identity(1960, "F", is_adult=False)):
        with pytest.raises(Refused, match="on the day of consent"):
            correct_identity(**who(world, subject), identity=identity, reason="Wrong")
    with everything(world):
        count = AuditEvent.objects.count()
    correct_identity(**who(world, subject), identity=Identity(1960, "F", is_adult=True), reason="")
    with everything(world):
        assert AuditEvent.objects.count() == count


@pytest.mark.req("F5")
def test_a_subject_in_error_stands_still_and_its_twin_can_be_screened(world: World) -> None:
    subject = screened(world, birth_year=1960)
    with_labs(world, subject, {Analyte.WBC: "0.1"})
    with everything(world):
        assert Query.objects.filter(subject=subject).exclude(state=Query.State.CLOSED).exists()
    with pytest.raises(FieldsRefused, match="Say why"):
        mark_subject_in_error(**who(world, subject), reason="")
    mark_subject_in_error(**who(world, subject), reason="Screened twice")
    with everything(world):
        assert LabResult.objects.filter(subject=subject).exists(), "nothing is deleted"
        assert not Query.objects.filter(subject=subject).exclude(state=Query.State.CLOSED).exists()
    with pytest.raises(Refused, match="entered in error"):
        record(world, subject, "scr", world.at.date(), {Analyte.WBC: "4.0"})
    with pytest.raises(Refused, match="entered in error"):
        mark_subject_in_error(**who(world, subject), reason="Again")
    twin = screen_subject(
        by=world.person(Role.COORDINATOR), at=world.at, token=uuid4(), site_id=subject.site_id,
        screening=screening(world, "01", birth_year=1960, sex="F"),
    )  # fmt: skip
    assert twin.entered_in_error_at is None, "no duplicate of nobody"


def test_a_registered_subject_is_never_an_error(world: World) -> None:
    subject = treat.registered(world)
    with pytest.raises(Refused, match="counts in the trial"):
        mark_subject_in_error(**who(world, subject), reason="Wrong site")


def test_the_page_corrects_marks_and_only_shows_to_others(world: World, client: Client) -> None:
    subject = screened(world, birth_year=1906)
    url = f"/subjects/{subject.key}/identity/"
    log_in(client, world.person(Role.COORDINATOR))
    sent_form = {"action": "correct", "birth_year": "1960", "is_adult": "yes", "sex": "F", "reason": ""}
    refused = client.post(url, sent_form)
    assert refused.status_code == 422
    assert "Say why this is corrected." in refused.content.decode()
    assert 'value="1960"' in refused.content.decode(), "nothing typed is lost"
    done = client.post(url, {**sent_form, "reason": "Digits swapped"}, follow=True)
    assert 'value="1960"' in done.content.decode()
    marked = client.post(url, {"action": "in_error", "error_reason": "Screened twice"}, follow=True)
    assert "This subject was entered in error" in marked.content.decode()
    assert "Save correction" not in marked.content.decode()
    read = log_in(Client(), world.person(Role.MONITOR)).get(url).content.decode()
    assert "1960" in read
    assert "Save correction" not in read
