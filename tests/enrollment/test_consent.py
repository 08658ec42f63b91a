"""Versions of the consent form, consent given again and corrected, and study procedures that wait for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from enrollment.models import Consent, ConsentForm
from enrollment.selectors import form_in_force as version_on
from enrollment.selectors import site_day
from enrollment.services import (
    Cause,
    ConsentGiven,
    FormVersion,
    add_consent_form,
    correct_consent,
    record_reconsent,
    record_screen_failure,
    screen_subject,
    take_back_consent_form,
)
from labs.services import (
    Assessed,
    FieldsRefused,
    VisitFacts,
    add_unscheduled_visit,
    confirm_ordinary_care,
    record_disease_assessment,
    record_panel,
    record_visit,
)
from protocol.vocabulary import Analyte
from reporting.next_step import tasks
from reporting.selectors.facts import facts_of
from safety.services import Medication, record_medication
from tests.world import OPENED_ON, World
from tests.world_enrollment import (
    complete,
    consented_again,
    new_form,
    register,
    screened,
    screening,
    sent,
    signed,
)
from tests.world_followup import who
from tests.world_labs import morning, panels, record
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import ConsentGap, Query, QueryMessage, Role, SignatureEvent, Subject
from trialsite.partial_dates import on_day
from trialsite.services.subjects import Refused

TODAY = date(2024, 1, 2)
DAY = timedelta(days=1)
#: Since when version 2.0 is in force.
SINCE = OPENED_ON - DAY


@pytest.fixture
def later(world: World) -> World:
    """Ten days on, so that days in between can be named."""
    world.later(10)
    return world


def listed(world: World) -> list[ConsentForm]:
    with reading(system_actor("verification"), world.at):
        return list(ConsentForm.objects.filter(site=world.sites["01"], in_error_at=None).order_by("effective_on"))


def gaps(world: World, subject: Subject) -> list[tuple[str, date, date | None]]:
    with reading(system_actor("verification"), world.at):
        found = ConsentGap.objects.filter(subject=subject).order_by("id")
        return [(one.form_version, one.starts_on, one.ends_on) for one in found]


def questions(world: World, subject: Subject, check: str = "before_consent") -> list[tuple[str, str]]:
    """Words and state of every automatic question of that kind."""
    with reading(system_actor("verification"), world.at):
        found = Query.objects.filter(subject=subject, check_code=check).order_by("id")
        return [(one.text.split(" is dated")[0], one.state) for one in found]


def labs(world: World, subject: Subject, on: date, code: str = "scr", hour: int | None = None) -> None:
    world.at = max(world.at, morning(on))
    drawn = [
        replace(one, collection=replace(one.collection, time=time(hour) if hour else None))
        for one in panels(on, {Analyte.WBC: "5.1"})
    ]
    record_panel(**who(world, subject), visit_code=code, panels=drawn, reason="Read again", visit_reason="Unwell")


def correct(world: World, subject: Subject, **changed: object) -> Consent:
    with reading(system_actor("verification"), world.at):
        consent = Consent.objects.filter(subject=subject).order_by("id").first()
    assert consent is not None
    stands = ConsentGiven(
        consent.form_version, consent.consented_on, consent.consented_time, consent.signed_by, consent.obtained_by_id
    )
    reason = str(changed.pop("reason", "Read the form again"))
    given = replace(stands, **changed)  # type: ignore[arg-type]
    return correct_consent(**who(world, subject), consent_id=consent.pk, given=given, reason=reason)


# -- versions


def test_a_version_is_in_force_from_its_day(later: World) -> None:
    new_form(later, on=TODAY + 5 * DAY)
    site = later.sites["01"]
    with reading(system_actor("verification"), later.at):
        found = [version_on(site, on) for on in (OPENED_ON - 2 * DAY, TODAY + 4 * DAY, TODAY + 5 * DAY)]
    assert [one.version if one else None for one in found] == [None, "2.0", "3.0"]


@pytest.mark.req("D13")
def test_the_same_version_again_changes_nothing(world: World) -> None:
    assert new_form(world).pk == new_form(world).pk
    assert len(listed(world)) == 2


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"version": "2.0", "effective_on": TODAY}, "version", "in the list already"),
        (
            dict.fromkeys(("approved_on", "effective_on"), SINCE),
            "effective_on",
            "2.0 of site 01 is in force from that day",
        ),
        ({"approved_on": TODAY + DAY, "effective_on": TODAY + DAY}, "approved_on", "in the future"),
        ({"approved_on": TODAY, "effective_on": TODAY - DAY}, "effective_on", "only after its approval"),
    ],
)
def test_a_version_that_cannot_be_is_refused(world: World, changes: dict[str, object], field: str, words: str) -> None:
    wanted = FormVersion("3.0", TODAY - 2 * DAY, TODAY, needs_reconsent=True, changes="New")
    new = replace(wanted, **changes)  # type: ignore[arg-type]
    with pytest.raises(FieldsRefused, match=words) as refused:
        add_consent_form(by=world.person(Role.DATA_MANAGER), at=world.at, site_id=world.sites["01"].pk, new=new)
    assert field in refused.value.problems
    assert len(listed(world)) == 1


def test_the_coordinating_centre_has_no_consent_form(world: World) -> None:
    new = FormVersion("3.0", TODAY, TODAY, needs_reconsent=False, changes="New")
    with pytest.raises(FieldsRefused, match="treating sites"):
        add_consent_form(by=world.person(Role.DATA_MANAGER), at=world.at, site_id=world.sites["00"].pk, new=new)


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.INVESTIGATOR, Role.MONITOR, Role.STATISTICIAN])
@pytest.mark.req("A8")
def test_only_admins_and_data_managers_keep_versions(world: World, role: Role) -> None:
    new = FormVersion("3.0", TODAY, TODAY, needs_reconsent=False, changes="New")
    with pytest.raises(PermissionDenied):
        add_consent_form(by=world.person(role), at=world.at, site_id=world.sites["01"].pk, new=new)


def test_the_database_keeps_one_version_per_number_and_day(world: World, seen: None) -> None:
    del seen
    for version, on in (("2.0", TODAY), ("9.9", SINCE)):
        with pytest.raises(IntegrityError), transaction.atomic():
            ConsentForm.objects.create(
                site=world.sites["01"], version=version, approved_on=on, effective_on=on,
                needs_reconsent=False, changes="x", entered_at=world.at,
            )  # fmt: skip


def test_a_version_listed_in_error_holds_nobody_back(world: World) -> None:
    subject, form = screened(world), new_form(world)
    assert gaps(world, subject) == [("3.0", TODAY, None)]
    manager = world.person(Role.DATA_MANAGER)
    with pytest.raises(FieldsRefused, match="Say why"):
        take_back_consent_form(by=manager, at=world.at, site_id=form.site_id, form_id=form.pk, reason=" ")
    for _ in range(2):
        take_back_consent_form(by=manager, at=world.at, site_id=form.site_id, form_id=form.pk, reason="Wrong site")
    assert gaps(world, subject) == [("3.0", TODAY, TODAY - DAY)]
    labs(world, subject, TODAY)
    assert questions(world, subject) == []
    new_form(world)
    assert gaps(world, subject) == [("3.0", TODAY, None)]


def test_a_version_that_somebody_signed_stays(world: World) -> None:
    screened(world)
    with pytest.raises(Refused, match=r"1 subject has consented to version 2\.0"):
        take_back_consent_form(
            by=world.person(Role.DATA_MANAGER), at=world.at, site_id=world.sites["01"].pk,
            form_id=listed(world)[0].pk, reason="Wrong",
        )  # fmt: skip


# -- the first consent


def start(world: World, **changed: object) -> Subject:
    what = replace(screening(world), **changed)  # type: ignore[arg-type]
    return screen_subject(
        by=world.person(Role.COORDINATOR), at=world.at, token=uuid4(), site_id=world.sites["01"].pk, screening=what
    )


def test_a_consent_says_who_signed_and_who_obtained_it(world: World) -> None:
    investigator = world.person(Role.INVESTIGATOR)
    subject = start(world, signed_by="representative", obtained_by_id=investigator.user_id)
    other = start(world, birth_year=1970)
    with reading(system_actor("verification"), world.at):
        one, two = (Consent.objects.get(subject=each) for each in (subject, other))
    assert (one.get_signed_by_display(), one.obtained_by_id) == (
        "Legally authorised representative", investigator.user_id,
    )  # fmt: skip
    assert (two.signed_by, two.obtained_by_id) == ("subject", world.person(Role.COORDINATOR).user_id)
    assert subject.consented_time == time(0, 1)


@pytest.mark.parametrize("role", [Role.DATA_MANAGER, Role.MONITOR])
def test_consent_is_obtained_by_site_staff(world: World, role: Role) -> None:
    with pytest.raises(FieldsRefused, match="Choose a coordinator or investigator of the site"):
        start(world, obtained_by_id=world.person(role).user_id)


@pytest.mark.req("D3")
def test_a_version_that_the_site_does_not_have_is_refused(world: World) -> None:
    with pytest.raises(FieldsRefused, match=r"Site 01 has no version 7\.7 of the form\. It has 2\.0\."):
        start(world, form_version="7.7")


@pytest.mark.req("D3")
def test_an_outdated_version_is_saved_and_asked_about_until_it_is_corrected(later: World) -> None:
    new_form(later, on=TODAY + 5 * DAY, needs_reconsent=False)
    subject = start(later, consented_on=TODAY + 5 * DAY)
    ((words, state),) = questions(later, subject, "consent_version")
    assert words.startswith("Version 2.0 was signed on 7 Jan 2024; version 3.0 was in force at the site that day.")
    assert state == "open"
    correct(later, subject, form_version="3.0")
    assert questions(later, subject, "consent_version")[0][1] == "closed"
    correct(later, subject, form_version="2.0")
    assert [state for _, state in questions(later, subject, "consent_version")] == ["open"]
    correct(later, subject, consented_on=TODAY + 4 * DAY)
    assert [state for _, state in questions(later, subject, "consent_version")] == ["closed"]


def test_an_older_version_signed_when_a_newer_one_was_needed_waits_for_that(later: World) -> None:
    new_form(later, on=TODAY + 5 * DAY)
    subject = start(later, consented_on=TODAY + 6 * DAY)
    assert gaps(later, subject) == [("3.0", TODAY + 6 * DAY, None)]
    current = start(later, consented_on=TODAY + 6 * DAY, birth_year=1970, form_version="3.0")
    assert gaps(later, current) == []


# -- consent given again


@pytest.mark.req("D1")
def test_a_new_version_holds_back_study_procedures_until_the_subject_consents_again(later: World) -> None:
    """peers.md: a consent version gates data collection, and is checked on the day of the procedure."""
    subject = complete(later)
    late = later.later(3)
    today = site_day(late, subject.site)
    new_form(later, on=today)
    assert gaps(later, subject) == [("3.0", today, None)]
    sentence = f"study procedures from {today:%-d %b %Y} wait for consent to version 3.0. Record that consent first."
    with pytest.raises(FieldsRefused, match=sentence):
        labs(later, subject, today, "uns1")
    with pytest.raises(FieldsRefused, match=sentence):
        add_unscheduled_visit(**who(later, subject), occurred_on=today, reason="Unwell", token=uuid4())
    with pytest.raises(FieldsRefused, match=sentence):
        record_visit(**who(later, subject), code="bl", facts=VisitFacts(today, ecog=0))
    with pytest.raises(FieldsRefused, match=sentence):
        record_disease_assessment(
            **who(later, subject), visit_code="uns1", assessed=Assessed(immunofixation_on=today, serum_ife="NEGATIVE")
        )
    consented_again(later, subject)
    assert gaps(later, subject) == [("3.0", today, today)]
    labs(later, subject, today, "uns1")
    assert questions(later, subject) == []


@pytest.mark.req("D1")
def test_nobody_is_registered_while_a_new_consent_is_waited_for(world: World, subject: Subject) -> None:
    signed(world, subject, sent(world, subject))
    new_form(world)
    with pytest.raises(Refused, match="wait for consent to version"):
        register(world, subject)
    consented_again(world, subject)
    assert register(world, subject).number == "01-001"


def test_what_is_dated_before_the_new_version_and_what_stands_is_not_held_back(later: World) -> None:
    subject = complete(later)
    day = site_day(later.at, subject.site)
    later.later(3)
    new_form(later, on=day)
    labs(later, subject, day - DAY, "uns1")
    record(later, subject, "scr", day, {Analyte.WBC: "5.2"}, reason="Typing error")
    record_visit(**who(later, subject), code="scr", facts=VisitFacts(day, ecog=1), reason="First entry")


@pytest.mark.req("D1")
def test_safety_data_never_wait_for_consent(world: World) -> None:
    subject = screened(world)
    new_form(world)
    record_medication(
        **who(world, subject), token=uuid4(), medication=Medication("Paracetamol", "Fever", on_day(TODAY))
    )


def test_only_a_version_that_needs_it_asks_for_a_new_consent(world: World) -> None:
    subject = screened(world)
    new_form(world, needs_reconsent=False)
    elsewhere = screened(world, "02")
    new_form(world, version="3.1", on=TODAY + DAY)
    assert gaps(world, subject) == [("3.1", TODAY + DAY, None)]
    assert gaps(world, elsewhere) == []
    labs(world, subject, TODAY)


def test_who_has_left_is_not_asked_again(world: World) -> None:
    subject = screened(world)
    record_screen_failure(
        **who(world, subject),
        token=uuid4(),
        cause=Cause.CONSENT_WITHDRAWN,
        failed_on=TODAY,
        reason="No more",
        passive_follow_up_allowed=False,
    )
    new_form(world)
    assert gaps(world, subject) == []
    with pytest.raises(Refused, match="has left the study"):
        consented_again(world, subject)


def test_consent_to_the_newest_version_settles_the_ones_before(later: World) -> None:
    subject = screened(later)
    later.later(5)
    day = site_day(later.at, subject.site)
    new_form(later, version="3.0", on=day - 3 * DAY)
    new_form(later, version="4.0", on=day - DAY)
    consented_again(later, subject, "3.0", on=day - 2 * DAY)
    assert gaps(later, subject) == [("3.0", day - 3 * DAY, day - 2 * DAY), ("4.0", day - DAY, None)]
    consented_again(later, subject, "4.0")
    assert gaps(later, subject)[1] == ("4.0", day - DAY, day)


def test_what_was_done_before_the_new_consent_is_asked_about(later: World) -> None:
    subject = complete(later)
    later.later(5)
    day = site_day(later.at, subject.site)
    new_form(later, on=day - 3 * DAY)
    consented_again(later, subject, at=time(1, 30))
    labs(later, subject, day - 2 * DAY, "uns1")
    assert questions(later, subject) == [("Haematology", "open")]
    labs(later, subject, day, "uns2", hour=1)
    labs(later, subject, day, "uns3", hour=2)
    assert questions(later, subject) == [("Haematology", "open"), ("Haematology", "open")]


@pytest.mark.req("D13")
def test_the_same_form_twice_records_one_consent(world: World) -> None:
    subject, token = screened(world), uuid4()
    new_form(world)
    given = ConsentGiven("3.0", TODAY, time(0, 2))
    stored = [record_reconsent(**who(world, subject), token=token, given=given) for _ in range(2)]
    assert stored[0] == stored[1]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (ConsentGiven("2.0", TODAY, time(0, 2)), "is recorded already"),
        (ConsentGiven("3.0", TODAY + DAY, time(0, 2)), "in the future"),
        (ConsentGiven("3.0", TODAY, time(23, 59)), "still to come"),
        (ConsentGiven("3.0", TODAY - DAY, time(0, 2)), "The first consent was given on 2 Jan 2024"),
        (ConsentGiven("3.0", OPENED_ON - DAY, time(0, 2)), "when the site opened"),
    ],
)
def test_a_new_consent_that_cannot_be_is_refused(world: World, given: ConsentGiven, words: str) -> None:
    subject = screened(world)
    new_form(world)
    with pytest.raises(FieldsRefused, match=words):
        record_reconsent(**who(world, subject), token=uuid4(), given=given)


def test_a_subject_without_a_first_consent_cannot_consent_again(world: World) -> None:
    subject = world.subject()
    with pytest.raises(Refused, match="The first consent is recorded when screening starts"):
        consented_again(world, subject, "2.0")


@pytest.mark.req("A5", "A8")
def test_only_the_own_site_records_consent(world: World) -> None:
    subject = screened(world)
    for by in (world.person(Role.COORDINATOR, "02"), world.person(Role.MONITOR)):
        with pytest.raises(PermissionDenied):
            record_reconsent(
                **(who(world, subject) | {"by": by}), token=uuid4(), given=ConsentGiven("2.0", TODAY, None)
            )


def test_the_work_list_asks_for_the_new_consent_until_it_is_recorded(world: World) -> None:
    subject = screened(world)
    new_form(world, on=TODAY + 3 * DAY)

    def asked() -> list[tuple[str, str]]:
        with reading(system_actor("verification"), world.at):
            stored = Subject.objects.select_related("site").get(pk=subject.pk)
            found = tasks(facts_of([stored], world.at)[subject.pk])
        return [(step.sentence, step.urgency) for step in found if "consent" in step.words]

    assert asked() == [("Record consent to form version 3.0, from 5 Jan", "soon")]
    world.later(4)
    assert asked() == [("Record consent to form version 3.0, study procedures wait since 5 Jan", "late")]
    consented_again(world, subject)
    assert asked() == []


# -- procedures before consent


@pytest.mark.req("D3")
def test_a_study_procedure_before_consent_is_saved_and_asked_about_until_corrected(later: World) -> None:
    subject = screened(later)
    day = subject.screened_on
    labs(later, subject, day - DAY)
    assert questions(later, subject) == [("Haematology", "open")]
    labs(later, subject, day)
    assert questions(later, subject) == [("Haematology", "closed")]
    labs(later, subject, day - DAY)
    assert questions(later, subject) == [("Haematology", "open")]
    record(later, subject, "scr", day - DAY, {Analyte.WBC: "5.4"}, reason="Typing error")
    assert questions(later, subject) == [("Haematology", "open")]


@pytest.mark.req("D3")
def test_the_time_of_consent_counts_on_its_day(later: World) -> None:
    subject = start(later, consented_time=time(3))
    day = subject.screened_on
    labs(later, subject, day, hour=2)
    assert questions(later, subject) == [("Haematology", "open")]
    labs(later, subject, day, hour=3)
    assert questions(later, subject) == [("Haematology", "closed")]


def test_a_corrected_consent_settles_the_question_and_breaks_the_signature_on_it(later: World) -> None:
    subject = complete(later)
    signature = signed(later, subject, sent(later, subject))
    record_disease_assessment(
        **who(later, subject), visit_code="scr", seen_version=None, reason="Report came",
        assessed=Assessed(marrow_on=subject.screened_on - 2 * DAY, bm_pc=Decimal(14)),
    )  # fmt: skip
    assert ("Marrow", "open") in questions(later, subject)
    with pytest.raises(FieldsRefused, match="Say why"):
        correct(later, subject, consented_on=subject.screened_on - 3 * DAY, reason=" ")
    correct(later, subject, consented_on=subject.screened_on - 3 * DAY)
    assert {state for _, state in questions(later, subject)} == {"closed"}
    with reading(system_actor("verification"), later.at):
        stored = Subject.objects.get(pk=subject.pk)
        assert SignatureEvent.objects.filter(signature=signature, kind=SignatureEvent.Kind.BROKEN).exists()
    assert stored.screened_on == subject.screened_on - 3 * DAY
    assert correct(later, subject).consented_on == stored.screened_on, "the same again changes nothing"


def test_a_first_consent_never_lies_after_registration_or_a_later_consent(later: World) -> None:
    subject = screened(later)
    later.later(5)
    new_form(later, on=subject.screened_on + DAY)
    consented_again(later, subject, on=subject.screened_on + 2 * DAY)
    with pytest.raises(FieldsRefused, match="a later consent is dated before that day"):
        correct(later, subject, consented_on=subject.screened_on + 3 * DAY)


def test_ordinary_care_is_confirmed_and_not_asked_again(later: World) -> None:
    subject = screened(later)
    labs(later, subject, subject.screened_on - DAY)
    with reading(system_actor("verification"), later.at):
        query = Query.objects.get(subject=subject, check_code="before_consent")
    with pytest.raises(PermissionDenied):
        confirm_ordinary_care(**who(later, subject, Role.MONITOR), query_ids=[query.pk])
    assert confirm_ordinary_care(**who(later, subject), query_ids=[query.pk], words="Yearly check.") == 1
    assert confirm_ordinary_care(**who(later, subject), query_ids=[query.pk]) == 0
    record(later, subject, "scr", subject.screened_on - DAY, {Analyte.WBC: "5.4"}, reason="Typing error")
    assert questions(later, subject) == [("Haematology", "closed")]
    with reading(system_actor("verification"), later.at):
        last = QueryMessage.objects.filter(query=query).order_by("id").last()
    assert last is not None
    assert (last.action, last.text) == ("confirmed", "Ordinary care, not a study procedure. Yearly check.")


@pytest.mark.req("J7")
def test_nothing_later_is_collected_once_screening_ended(later: World) -> None:
    subject = screened(later)
    ended = subject.screened_on
    later.later(5)
    record_screen_failure(
        **who(later, subject),
        token=uuid4(),
        cause=Cause.CONSENT_WITHDRAWN,
        failed_on=ended,
        reason="No more",
        passive_follow_up_allowed=False,
    )
    with pytest.raises(FieldsRefused, match=f"is after screening ended: nothing later than {ended:%-d %b %Y}"):
        labs(later, subject, ended + DAY)
    labs(later, subject, ended)


@pytest.mark.req("B7")
def test_a_corrected_consent_breaks_the_signature_that_rested_on_it(world: World) -> None:
    """The age on the signed checklist is that of the day of consent: what was signed no longer stands so."""
    subject = complete(world)
    signature = signed(world, subject, sent(world, subject))
    correct(world, subject, consented_time=time(0, 5))
    with reading(system_actor("verification"), world.at):
        (ended,) = SignatureEvent.objects.filter(signature=signature)
    assert ended.reason == "The consent under it was corrected. Read the form again"


def test_ordinary_care_is_stated_of_the_visit_that_is_saved_and_of_no_other(later: World) -> None:
    subject = screened(later)
    before = subject.screened_on - DAY
    labs(later, subject, before)
    drawn = panels(before, {Analyte.SERUM_M: "2.9"})
    record_panel(
        **who(later, subject), visit_code="uns1", panels=drawn, visit_reason="Yearly check", ordinary_care=True
    )
    assert questions(later, subject) == [("Haematology", "open"), ("Myeloma proteins, serum", "closed")]
