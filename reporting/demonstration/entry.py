"""Entering the trial: consent, screening, eligibility, registration; and those whom a criterion keeps out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta
from uuid import NAMESPACE_OID, UUID, uuid5

from enrollment.models import Waiver
from enrollment.questions import questions_for
from enrollment.selectors import latest_snapshot
from enrollment.services import (
    Answer,
    Cause,
    Ruling,
    Screening,
    decide_waiver,
    record_screen_failure,
    record_screening_answers,
    register_subject,
    request_waiver,
    screen_subject,
    send_eligibility,
    sign_eligibility,
)
from protocol.trial import TRIAL
from protocol.vocabulary import Analyte
from reporting.demonstration import acts, lives
from reporting.demonstration.acts import Someone
from reporting.demonstration.chronicle import moment
from reporting.demonstration.stage import CONSENT_FORM, Stage
from reporting.demonstration.values import Draw, panel
from reporting.progress import required_analytes
from trialsite.context import reading

#: The answer that speaks for the subject, where it is not "no".
FAVOURABLE = {
    "diagnosis": "SMM",
    "heavy_chain": "IgG",
    "ecog": "0",
    "self_inject": "yes",
    "caregiver": "yes",
    "nyha": "0",
    "washout_ok": "yes",
}
#: What keeps a screened person out, by criterion: an answer, or a laboratory value.
UNFAVOURABLE_ANSWER = {"E04": ("active_malignancy", "yes"), "E05": ("nyha", "3"), "E07": ("asthma_ibd", "yes")}
UNFAVOURABLE_VALUE = {
    "I08": {Analyte.ANC: "1.20"},
    "I09": {Analyte.CREATININE: "2.60"},
}


def registered(one: Someone, screened_on: date, registered_on: date) -> Iterator[date]:
    """Consent, screening results, checklist, the investigator's signature, registration."""
    yield screened_on
    _consent(one, screened_on)
    yield screened_on + timedelta(days=3)
    _screening_results(one, screened_on + timedelta(days=1), screened_on + timedelta(days=3), {})
    yield registered_on - timedelta(days=3)
    _answer(one, registered_on - timedelta(days=3), {})
    _send(one, registered_on - timedelta(days=3))
    yield registered_on - timedelta(days=1)
    _sign(one, registered_on - timedelta(days=1))
    yield registered_on
    register_subject(
        by=one.coordinator, at=moment(registered_on), token=_token(one, "register"), subject_id=one.subject_id,
        site_id=one.site_id,
    )  # fmt: skip


def screened_only(stage: Stage, screening: lives.Screening, number: int) -> Iterator[date]:
    """Somebody who did not get further than screening, or not yet."""
    one = Someone(stage, lives.Life(screening.site, 0, "3.2", lives.STABLE), number)
    began = stage.anchor - timedelta(days=screening.screened)
    yield began
    _consent(one, began)
    if screening.stage == "started":
        return
    answered_on = began + timedelta(days=3)
    yield answered_on
    values = UNFAVOURABLE_VALUE.get(screening.criterion, {})
    _screening_results(one, began + timedelta(days=1), answered_on, values)
    _answer(one, answered_on, dict([UNFAVOURABLE_ANSWER[screening.criterion]]) if _asked(screening) else {})
    if screening.stage == "answered":
        return
    _send(one, answered_on)
    if screening.stage == "sent":
        return
    yield answered_on + timedelta(days=1)
    if screening.criterion == "I08":
        _refuse_waiver(one, "I08", answered_on + timedelta(days=1))
    record_screen_failure(
        by=one.coordinator,
        at=moment(answered_on + timedelta(days=1)),
        token=_token(one, "screen failure"),
        subject_id=one.subject_id,
        site_id=one.site_id,
        cause=Cause.CRITERION,
        failed_on=answered_on + timedelta(days=1),
        reason="A criterion is not met.",
    )


def _refuse_waiver(one: Someone, criterion: str, on: date) -> None:
    """The site asks for a criterion to be waived; the investigator refuses, and screening ends."""
    asked = request_waiver(
        by=one.coordinator, at=moment(on), token=_token(one, "waiver"), subject_id=one.subject_id,
        site_id=one.site_id, criterion=criterion, reason="Neutrophils have been low and stable for three years.",
    )  # fmt: skip
    decide_waiver(
        by=one.investigator,
        at=moment(on),
        proof=one.stage.proof(one.investigator, moment(on)),
        subject_id=one.subject_id,
        site_id=one.site_id,
        waiver_id=asked.pk,
        ruling=Ruling(Waiver.Decision.REFUSED, "Anakinra can lower neutrophils further."),
    )


def _asked(screening: lives.Screening) -> bool:
    return screening.criterion in UNFAVOURABLE_ANSWER


def _consent(one: Someone, on: date) -> None:
    subject = screen_subject(
        by=one.coordinator,
        at=moment(on),
        token=_token(one, "screen"),
        site_id=one.site_id,
        screening=Screening(
            consented_on=on,
            consented_time=time(8, 30),
            form_version=CONSENT_FORM,
            birth_year=on.year - 56 - one.number * 11 % 23,
            is_adult=True,
            sex=one.sex,
        ),
        another_person_because="",
    )
    one.subject_id = subject.pk


def _screening_results(one: Someone, collected_on: date, on: date, instead: dict[Analyte, str]) -> None:
    acts.enter_visit(one, code="scr", occurred_on=collected_on, on=on)
    typed = panel(Draw(one.life, one.number, 0), required_analytes("scr", one.sex, TRIAL.version)) | instead
    acts.enter_results(one, code="scr", typed=typed, collected_on=collected_on, on=on)
    acts.assess_disease(one, code="scr", month=0, assessed_on=collected_on, on=on)


def _answer(one: Someone, on: date, instead: dict[str, str]) -> None:
    asked = questions_for(one.sex, TRIAL)
    favourable = {question.item: FAVOURABLE.get(question.item, "no") for question in asked}
    dated = {question.item for question in asked if question.day and favourable[question.item] != "no"}
    answers = {
        item: Answer(value, on - timedelta(days=120) if item in dated else on)
        for item, value in (favourable | instead).items()
    }
    record_screening_answers(
        by=one.coordinator, at=moment(on), subject_id=one.subject_id, site_id=one.site_id, answers=answers
    )


def _send(one: Someone, on: date) -> None:
    send_eligibility(by=one.coordinator, at=moment(on), subject_id=one.subject_id, site_id=one.site_id)


def _sign(one: Someone, on: date) -> None:
    with reading(one.investigator, moment(on)):
        snapshot = latest_snapshot(one.subject())
    if snapshot is None:
        raise RuntimeError(f"Nothing was sent for {one.subject_id}.")
    sign_eligibility(
        by=one.investigator,
        at=moment(on),
        proof=one.stage.proof(one.investigator, moment(on)),
        subject_id=one.subject_id,
        site_id=one.site_id,
        snapshot_id=snapshot.pk,
    )


def _token(one: Someone, act: str) -> UUID:
    return uuid5(NAMESPACE_OID, f"{one.number}:{act}")
