"""Eligibility: computed per criterion, sent once, signed exactly as shown, never signed on stale evidence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied

from enrollment.evidence import gather
from enrollment.models import EligibilitySnapshot, ScreeningAnswer
from enrollment.questions import Question, questions_for
from enrollment.selectors import checklist_of, current_answers, facts_of, judgements, site_day
from enrollment.services import Answer, record_screening_answers, send_eligibility, sign_eligibility
from enrollment.tasks import announce_eligibility
from labs.services import Assessed, SavedMeanwhile, VisitFacts, record_disease_assessment, record_visit
from labs.services.refusals import Conflict
from protocol.trial import TRIAL
from protocol.vocabulary import Analyte, CriterionOutcome
from tests.world import World
from tests.world_enrollment import answered, central_laboratory, complete, correct, screened, sent, signed, with_labs
from tests.world_labs import laboratory, record
from trialsite import clock
from trialsite.access import Actor, system_actor
from trialsite.context import reading
from trialsite.days import in_words
from trialsite.models import Mail, OutboxMessage, Role, Subject
from trialsite.services.signatures import digest, is_intact
from trialsite.services.subjects import Refused, Stale

MET, NOT_MET, UNKNOWN = CriterionOutcome.MET, CriterionOutcome.NOT_MET, CriterionOutcome.INDETERMINATE
APPLICABLE = [criterion.id for criterion in TRIAL.criteria if criterion.id not in {"E08", "E10"}]


def look(world: World, subject: Subject) -> dict[str, CriterionOutcome]:
    """Outcome by criterion, today."""
    with reading(system_actor("verification"), world.at):
        found = judgements(subject, site_day(world.at, subject.site))
    return {one.criterion_id: one.outcome for one in found}


def overall(world: World, subject: Subject) -> CriterionOutcome:
    with reading(system_actor("verification"), world.at):
        return checklist_of(subject, site_day(world.at, subject.site)).outcome


# -- what the evidence says


@pytest.mark.req("D2")
def test_a_subject_with_every_result_and_answer_is_eligible(world: World) -> None:
    outcomes = look(world, complete(world))
    assert {name: outcomes[name] for name in APPLICABLE} == dict.fromkeys(APPLICABLE, MET)


@pytest.mark.req("D2")
def test_a_man_is_not_asked_about_pregnancy(world: World) -> None:
    subject = screened(world, sex="M")
    with_labs(world, subject, {Analyte.HCG_SERUM: ""})
    answered(world, subject)
    assert overall(world, subject) is MET
    assert not [question for question in questions_for("M", TRIAL) if question.of_women]


@pytest.mark.req("D2", "D5")
def test_what_is_missing_is_never_met(world: World) -> None:
    """Right after consent only what consent itself tells is decided."""
    outcomes = look(world, screened(world))
    assert [name for name in APPLICABLE if outcomes[name] is not UNKNOWN] == ["I01"]


#: Marrow plasma cells, serum M-spike, heavy chain, urine M-protein -> disease burden (I03), measurable disease (I04).
BURDEN = [
    ("10", "0.5", "IgG", "0", MET, NOT_MET),
    ("9.9", "0.5", "IgG", "0", NOT_MET, NOT_MET),
    ("9.9", "3.0", "IgG", "0", MET, MET),
    ("9.9", "3.0", "IgA", "0", MET, MET),
    ("9.9", "3.0", "OTHER", "0", NOT_MET, MET),
    ("9.9", "2.9", "IgG", "0", NOT_MET, MET),
    ("9.9", "1.0", "IgG", "1000", MET, MET),
    ("9.9", "1.0", "IgG", "999", NOT_MET, MET),
    ("9.9", "0.9", "IgG", "199", NOT_MET, NOT_MET),
    ("9.9", "0.9", "IgG", "200", NOT_MET, MET),
    ("12", "3.4", "IgA", "1200", MET, MET),
    ("", "2.9", "IgG", "0", UNKNOWN, MET),
    ("", "3.0", "IgG", "0", MET, MET),
    ("", "3.0", "unk", "0", UNKNOWN, MET),
    ("9.9", "3.0", "unk", "0", UNKNOWN, MET),
    ("9.9", "", "IgG", "0", UNKNOWN, UNKNOWN),
    ("10", "", "unk", "", MET, UNKNOWN),
]


@pytest.mark.req("D2")
@pytest.mark.parametrize(("marrow", "spike", "chain", "urine", "burden", "measurable"), BURDEN)
def test_truth_table_of_disease_burden(
    world: World,
    marrow: str,
    spike: str,
    chain: str,
    urine: str,
    burden: CriterionOutcome,
    measurable: CriterionOutcome,
) -> None:
    subject = screened(world)
    with_labs(world, subject, {Analyte.SERUM_M: spike, Analyte.URINE_M: urine}, marrow=marrow)
    answered(world, subject, {"heavy_chain": chain})
    outcomes = look(world, subject)
    assert (outcomes["I03"], outcomes["I04"]) == (burden, measurable)


#: One thing that rules a subject out -> the criterion that says so.
LAB_LIMITS = [
    (Analyte.WBC, "3.5", "I07", MET),
    (Analyte.WBC, "3.4", "I07", NOT_MET),
    (Analyte.WBC, "", "I07", UNKNOWN),
    (Analyte.WBC, "<3.5", "I07", NOT_MET),
    (Analyte.WBC, ">3.4", "I07", UNKNOWN),
    (Analyte.WBC, ">3.5", "I07", MET),
    (Analyte.ANC, "1.7", "I08", MET),
    (Analyte.ANC, ">1.5", "I08", UNKNOWN),
    (Analyte.SERUM_M, "<1.0", "I04", NOT_MET),
    (Analyte.CREATININE, ">1.56", "I09", NOT_MET),
    (Analyte.CREATININE, "<1.7", "I09", UNKNOWN),
    (Analyte.ANC, "1.69", "I08", NOT_MET),
    (Analyte.CREATININE, "1.56", "I09", MET),
    (Analyte.CREATININE, "1.57", "I09", NOT_MET),
    (Analyte.HCG_SERUM, "pos", "I11", NOT_MET),
    (Analyte.HCG_SERUM, "", "I11", UNKNOWN),
]


@pytest.mark.req("D2")
@pytest.mark.parametrize(("analyte", "typed", "criterion", "expected"), LAB_LIMITS)
def test_limits_hold_at_the_last_digit(
    world: World, analyte: Analyte, typed: str, criterion: str, expected: CriterionOutcome
) -> None:
    subject = screened(world)
    with_labs(world, subject, {analyte: typed})
    answered(world, subject)
    assert look(world, subject)[criterion] is expected


RULING_OUT = [
    (question.item, value, question.criterion) for question in questions_for("F", TRIAL) for value in question.rules_out
]


@pytest.mark.req("D2")
@pytest.mark.parametrize(("item", "value", "criterion"), RULING_OUT)
def test_an_answer_that_rules_out_does_so(world: World, item: str, value: str, criterion: str) -> None:
    subject = screened(world)
    with_labs(world, subject)
    answered(world, subject, {item: value})
    assert look(world, subject)[criterion] is NOT_MET
    assert overall(world, subject) is NOT_MET


@pytest.mark.req("D2")
@pytest.mark.parametrize("question", questions_for("F", TRIAL), ids=lambda question: question.item)
def test_only_the_declared_answers_rule_out(world: World, question: Question) -> None:
    """The page says at once that an answer rules out; so the table must say the same as the rule, both ways."""
    subject = screened(world)
    with_labs(world, subject)
    either = {"self_inject": "", "caregiver": ""}
    long_ago = world.at.date() - timedelta(days=400)
    for value, _ in question.choices:
        answered(world, subject, {**either, question.item: Answer(value, long_ago)})
        alone = look(world, subject)[question.criterion] is NOT_MET
        assert alone == (value in question.rules_out), value


@pytest.mark.req("D2")
@pytest.mark.parametrize(
    ("self_inject", "caregiver", "expected"),
    [
        ("yes", "", MET),
        ("", "yes", MET),
        ("no", "yes", MET),
        ("no", "no", NOT_MET),
        ("no", "", UNKNOWN),
        ("unk", "no", UNKNOWN),
        ("", "", UNKNOWN),
    ],
)
def test_either_the_subject_or_a_caregiver_injects(
    world: World, self_inject: str, caregiver: str, expected: CriterionOutcome
) -> None:
    subject = screened(world)
    answered(world, subject, {"self_inject": self_inject, "caregiver": caregiver})
    assert look(world, subject)["I10"] is expected


@pytest.mark.req("D2")
@pytest.mark.parametrize(("days", "expected"), [(84, NOT_MET), (85, MET)])
def test_the_84th_day_after_antibiotics_still_fails(world: World, days: int, expected: CriterionOutcome) -> None:
    subject = screened(world)
    answered(world, subject, {"iv_antibiotics": Answer("yes", world.at.date() - timedelta(days=days))})
    assert look(world, subject)["E03"] is expected


def test_antibiotics_without_a_date_decide_nothing(world: World) -> None:
    subject = screened(world)
    answered(world, subject, {"iv_antibiotics": Answer("yes", None)})
    assert look(world, subject)["E03"] is UNKNOWN


@pytest.mark.parametrize(
    ("days", "too_old"),
    [
        (7, []),
        (8, ["I11"]),
        (28, ["I11"]),
        (29, ["I04", "I07", "I08", "I09", "I11"]),
        (90, ["I04", "I07", "I08", "I09", "I11"]),
        (91, ["I03", "I04", "I07", "I08", "I09", "I11"]),
    ],
)
def test_screening_results_grow_too_old(world: World, subject: Subject, days: int, too_old: list[str]) -> None:
    world.later(days)
    outcomes = look(world, subject)
    assert [name for name in APPLICABLE if outcomes[name] is not MET] == too_old
    assert {outcomes[name] for name in too_old} <= {UNKNOWN}


def test_a_positive_pregnancy_test_does_not_grow_too_old(world: World) -> None:
    subject = screened(world)
    with_labs(world, subject, {Analyte.HCG_SERUM: "pos"})
    answered(world, subject)
    world.later(20)
    assert look(world, subject)["I11"] is NOT_MET


def test_the_newest_result_counts(world: World) -> None:
    subject = screened(world)
    with_labs(world, subject, {Analyte.WBC: "3.0"})
    assert look(world, subject)["I07"] is NOT_MET
    world.later(2)
    record(world, subject, "uns1", site_day(world.at, subject.site), {Analyte.WBC: "4.0"})
    assert look(world, subject)["I07"] is MET


def test_of_two_results_of_one_day_the_central_laboratorys_counts(world: World) -> None:
    """Whichever was entered last, and drawn last."""
    subject = screened(world)
    day = site_day(world.at, subject.site)
    record(world, subject, "scr", day, {Analyte.WBC: "4.0"}, lab=central_laboratory(world))
    bedside = laboratory(world, name="Bedside", central=False)
    record(world, subject, "uns1", day, {Analyte.WBC: "3.0"}, lab=bedside)
    assert look(world, subject)["I07"] is MET


def test_lesions_seen_in_an_image_grow_too_old_as_the_marrow_does(world: World) -> None:
    subject = screened(world)
    day = site_day(world.at, subject.site)
    record_disease_assessment(
        by=world.person(Role.COORDINATOR), at=world.at, subject_id=subject.pk, site_id=subject.site_id,
        visit_code="scr", assessed=Assessed(imaging_on=day, focal_mri_lesions=2),
    )  # fmt: skip
    last = day + timedelta(days=TRIAL.config.screening_marrow_days)
    with reading(system_actor("verification"), world.at):
        facts = facts_of(subject)
        found = ["mri_focal_lesions" in gather(facts, TRIAL, on) for on in (last, last + timedelta(days=1))]
    assert found == [True, False]


def test_the_limit_of_creatinine_is_the_laboratorys_own(world: World) -> None:
    """Without the laboratory's upper limit of that date nothing is decided."""
    subject = screened(world)
    record(world, subject, "scr", site_day(world.at, subject.site), {Analyte.CREATININE: "0.88"})
    assert look(world, subject)["I09"] is UNKNOWN


def test_performance_status_from_the_visit_goes_before_an_answer(world: World, subject: Subject) -> None:
    record_visit(
        by=world.person(Role.COORDINATOR),
        at=world.at,
        subject_id=subject.pk,
        site_id=subject.site_id,
        code="scr",
        facts=VisitFacts(site_day(world.at, subject.site), ecog=1),
    )
    assert look(world, subject)["I06"] is NOT_MET


# -- answers


def test_the_same_answer_again_stores_nothing(world: World, subject: Subject) -> None:
    answered(world, subject)
    with reading(system_actor("verification"), world.at):
        assert ScreeningAnswer.objects.filter(subject=subject).count() == 20


@pytest.mark.req("D7")
def test_a_correction_is_a_new_version_with_a_reason(world: World, subject: Subject) -> None:
    sent(world, subject)
    correct(world, subject, "nyha", Answer("2", world.at.date()), "Echo of 2 Jan")
    with reading(system_actor("verification"), world.at):
        first, second = ScreeningAnswer.objects.filter(subject=subject, item="nyha").order_by("version")
        assert (first.value, first.superseded_at, second.value, second.version) == ("0", world.at, "2", 2)
        assert (second.reason, second.superseded_at) == ("Echo of 2 Jan", None)
        assert current_answers(subject)["nyha"] == second


def test_after_the_checklist_was_sent_a_correction_needs_a_reason(world: World, subject: Subject) -> None:
    correct(world, subject, "nyha", Answer("1", world.at.date()), reason="")
    sent(world, subject)
    with pytest.raises(Refused, match="Say why"):
        correct(world, subject, "nyha", Answer("2", world.at.date()), reason="")


@pytest.mark.parametrize(
    ("item", "answer", "words"),
    [
        ("nyha", Answer("9"), "choose one of the answers"),
        ("no_such_item", Answer("yes"), "no question"),
        ("washout_ok", Answer("yes"), "no question"),
        ("needs_chemo", Answer("no", clock.today() + timedelta(days=9000)), "in the future"),
    ],
)
def test_an_impossible_answer_is_refused(world: World, item: str, answer: Answer, words: str) -> None:
    subject = screened(world)
    with pytest.raises(Refused, match=words):
        correct(world, subject, item, answer)


@pytest.mark.req("D12")
def test_the_second_of_two_savers_is_told(world: World, subject: Subject) -> None:
    with reading(system_actor("verification"), world.at):
        opened = max(one.pk for one in current_answers(subject).values())
    correct(world, subject, "nyha", Answer("1", world.at.date()))

    def save(value: str, seen: int | None) -> list[ScreeningAnswer]:
        return record_screening_answers(
            by=world.person(Role.COORDINATOR),
            at=world.at,
            subject_id=subject.pk,
            site_id=subject.site_id,
            answers={"nyha": Answer(value, world.at.date())},
            seen=seen,
            reason="Echo",
        )

    with pytest.raises(SavedMeanwhile) as refused:
        save("2", opened)
    day = in_words(world.at.date())
    assert refused.value.conflicts == (Conflict("nyha", "NYHA class of heart failure", f"I, {day}", f"II, {day}"),)
    assert save("1", opened) == [], "the same answer is no conflict"
    assert save("0", opened) == [], "what only the other person changed stands"
    assert len(save("2", None)) == 1


# -- sending


@pytest.mark.req("D2")
def test_an_undecided_checklist_is_not_sent(world: World) -> None:
    subject = screened(world)
    with_labs(world, subject)
    answered(world, subject, {"nyha": "", "caregiver": "", "self_inject": "unk"})
    with pytest.raises(Refused, match="Not decided yet: I10, E05"):
        sent(world, subject)


@pytest.mark.req("D13")
def test_sending_twice_is_sending_once(world: World, subject: Subject) -> None:
    assert sent(world, subject) == sent(world, subject)
    with reading(system_actor("verification"), world.at):
        assert EligibilitySnapshot.objects.filter(subject=subject).count() == 1
        assert OutboxMessage.objects.filter(kind="ELIGIBILITY_SENT").count() == 1


@pytest.mark.req("E4")
def test_every_investigator_of_the_site_gets_one_mail(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: world.at)
    subject = complete(world)
    world.person(Role.INVESTIGATOR, "02")
    investigator = world.person(Role.INVESTIGATOR)
    sent(world, subject)
    with reading(system_actor("re-evaluation"), world.at):
        message = OutboxMessage.objects.get(kind="ELIGIBILITY_SENT")
        assert announce_eligibility(message_id=message.pk, subject_id=subject.pk) == 1
        assert announce_eligibility(message_id=message.pk, subject_id=subject.pk) == 0
        mail = Mail.objects.get(subject=subject)
    assert mail.recipient_id == investigator.user_id
    assert f"/subjects/{subject.key}/eligibility/" in mail.body
    assert "14" not in mail.body.replace(subject.key, ""), "no clinical data in mail"


def test_nothing_is_mailed_once_it_is_signed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: world.at)
    subject = complete(world)
    signed(world, subject, sent(world, subject))
    with reading(system_actor("re-evaluation"), world.at):
        message = OutboxMessage.objects.get(kind="ELIGIBILITY_SENT")
        assert announce_eligibility(message_id=message.pk, subject_id=subject.pk) == 0


# -- signing


@pytest.mark.req("C1", "C3", "D2")
def test_the_signature_covers_exactly_what_was_shown(world: World, subject: Subject) -> None:
    snapshot = sent(world, subject)
    signature = signed(world, subject, snapshot)
    assert signature.content == {"subject": "01-S001", "protocol": "NCT00635154", **snapshot.judgements}
    assert signature.digest == digest(signature.content)
    assert signature.meaning == "Eligibility confirmed"
    assert signature.signer_id == world.person(Role.INVESTIGATOR).user_id
    with reading(system_actor("verification"), world.at):
        basis = set(signature.basis.values_list("source", flat=True))
        wbc = next(row for row in snapshot.judgements["criteria"] if row["criterion"] == "I07")
        assert wbc["evidence"][0]["source"] in basis
        assert {f"screening_answer:{one.pk}" for one in current_answers(subject).values()} <= basis
        assert is_intact(signature)


@pytest.mark.req("D13")
def test_signing_twice_signs_once(world: World, subject: Subject) -> None:
    snapshot = sent(world, subject)
    assert signed(world, subject, snapshot) == signed(world, subject, snapshot)


@pytest.mark.req("D2")
def test_what_is_not_met_cannot_be_signed(world: World) -> None:
    subject = screened(world)
    with_labs(world, subject, {Analyte.WBC: "3.0"})
    answered(world, subject)
    snapshot = sent(world, subject)
    assert snapshot.outcome == "NOT_MET"
    with pytest.raises(Refused, match=r"Not every criterion is met \(I07"):
        signed(world, subject, snapshot)


def change_an_answer(world: World, subject: Subject) -> None:
    correct(world, subject, "nyha", Answer("1", world.at.date()))


def change_a_result(world: World, subject: Subject) -> None:
    record(world, subject, "scr", site_day(world.at, subject.site), {Analyte.WBC: "5.2"}, reason="Misread")


def add_a_result(world: World, subject: Subject) -> None:
    world.later(1)
    record(world, subject, "uns1", site_day(world.at, subject.site), {Analyte.WBC: "5.3"})


def change_the_marrow(world: World, subject: Subject) -> None:
    record_disease_assessment(
        by=world.person(Role.COORDINATOR),
        at=world.at,
        subject_id=subject.pk,
        site_id=subject.site_id,
        visit_code="scr",
        assessed=Assessed(marrow_on=site_day(world.at, subject.site), bm_pc=Decimal("15")),
        reason="Second reading",
    )


CHANGES = [change_an_answer, change_a_result, add_a_result, change_the_marrow]


@pytest.mark.req("D2", "C10")
@pytest.mark.parametrize("change", CHANGES)
def test_a_checklist_whose_evidence_changed_is_stale(
    world: World, subject: Subject, change: Callable[[World, Subject], None]
) -> None:
    snapshot = sent(world, subject)
    change(world, subject)
    with pytest.raises(Stale, match="evidence has changed"):
        signed(world, subject, snapshot)
    renewed = sent(world, subject)
    assert renewed != snapshot
    signed(world, subject, renewed)
    with pytest.raises(Stale, match="newer checklist"):
        signed(world, subject, snapshot)


@pytest.mark.req("C4")
@pytest.mark.parametrize("change", [change_an_answer, change_a_result, change_the_marrow])
def test_a_correction_breaks_the_signature_that_rests_on_it(
    world: World, subject: Subject, change: Callable[[World, Subject], None]
) -> None:
    signature = signed(world, subject, sent(world, subject))
    change(world, subject)
    with reading(system_actor("verification"), world.at):
        assert not is_intact(signature)
        assert signature.events.get().kind == "broken"


def test_a_checklist_that_grew_too_old_is_not_signed(world: World, subject: Subject) -> None:
    snapshot = sent(world, subject)
    world.later(8)
    with pytest.raises(Stale, match="Too old by now: the evidence for I11"):
        signed(world, subject, snapshot)


@pytest.mark.req("C11", "A8")
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.INVESTIGATOR])
def test_only_an_investigator_signs(world: World, subject: Subject, role: Role) -> None:
    snapshot = sent(world, subject)
    with pytest.raises(PermissionDenied):
        _sign(world, subject, snapshot, world.person(role))


@pytest.mark.req("C11")
def test_an_investigator_of_another_site_does_not_sign(world: World, subject: Subject) -> None:
    snapshot = sent(world, subject)
    with pytest.raises(PermissionDenied):
        _sign(world, subject, snapshot, world.person(Role.INVESTIGATOR, "02"))


@pytest.mark.req("C5")
def test_a_stale_proof_signs_nothing(world: World, subject: Subject) -> None:
    snapshot = sent(world, subject)
    investigator = world.person(Role.INVESTIGATOR)
    with pytest.raises(PermissionDenied, match="password"):
        sign_eligibility(
            by=investigator,
            at=world.at + timedelta(minutes=6),
            proof=world.proof(investigator, world.at),
            subject_id=subject.pk,
            site_id=subject.site_id,
            snapshot_id=snapshot.pk,
        )


def _sign(world: World, subject: Subject, snapshot: EligibilitySnapshot, by: Actor) -> None:
    sign_eligibility(
        by=by,
        at=world.at,
        proof=world.proof(by),
        subject_id=subject.pk,
        site_id=subject.site_id,
        snapshot_id=snapshot.pk,
    )


@pytest.mark.req("D9", "A8")
@pytest.mark.parametrize("role", [Role.ADMIN, Role.DATA_MANAGER, Role.MONITOR, Role.STATISTICIAN])
def test_only_site_staff_answers_and_sends(world: World, subject: Subject, role: Role) -> None:
    who = {"by": world.person(role), "at": world.at, "subject_id": subject.pk, "site_id": subject.site_id}
    with pytest.raises(PermissionDenied):
        record_screening_answers(**who, answers={"nyha": Answer("1")})
    with pytest.raises(PermissionDenied):
        send_eligibility(**who)
