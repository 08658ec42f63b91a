"""The investigator's judgement of grades that a machine suggested from results and vital signs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from safety.models import GradeJudgement, VitalJudgement
from safety.selectors import suggestions, vital_suggestions
from safety.vocabulary import CTCAE
from trialsite.access import Actor, Duty
from trialsite.context import writing
from trialsite.services.signatures import break_signatures_resting_on
from trialsite.services.subjects import Refused, lock_open_subject

#: By the kind under which a judgement is a record.
JUDGEMENTS: Mapping[str, type[GradeJudgement | VitalJudgement]] = {
    "grade_judgement": GradeJudgement,
    "vital_judgement": VitalJudgement,
}


def judge_not_significant(
    *, by: Actor, at: datetime, subject_id: int, site_id: int, term: str, lab_result_ids: frozenset[int]
) -> int:
    """The results shown for a term are no adverse event; how many were judged.

    Only what was shown is judged: a result that came since, or was corrected since, stays waiting. A second time
    changes nothing. Refused where nothing of that term waits and nothing was judged.
    """
    with writing(by=by, duty=Duty.SIGN, site_id=site_id, at=at, reason="Judged not clinically significant"):
        subject = lock_open_subject(subject_id, site_id)
        judged = GradeJudgement.objects.filter(
            subject=subject, term=term, lab_result_id__in=lab_result_ids, withdrawn_at=None
        )
        waiting = [one for found in suggestions(subject) if found.worst.term == term for one in found.waiting]
        shown = [one for one in waiting if one.value.result.pk in lab_result_ids]
        if not shown and not judged.exists():
            raise Refused("These results do not wait for a judgement any more.")
        GradeJudgement.objects.bulk_create(
            GradeJudgement(
                subject=subject,
                site_id=site_id,
                lab_result_id=one.value.result.pk,
                term=term,
                ctcae_version=CTCAE.value,
                grade=one.grade,
                judged_by_id=by.user_id,
                judged_at=at,
            )
            for one in shown
        )
        return len(shown)


def judge_vitals_not_significant(
    *, by: Actor, at: datetime, subject_id: int, site_id: int, term: str, visit_ids: frozenset[int]
) -> int:
    """The vital signs shown for a term are no adverse event; how many visits were judged.

    Only what was shown is judged. A second time changes nothing. Refused where nothing of that term waits and nothing
    was judged.
    """
    with writing(by=by, duty=Duty.SIGN, site_id=site_id, at=at, reason="Judged not clinically significant"):
        subject = lock_open_subject(subject_id, site_id)
        judged = VitalJudgement.objects.filter(subject=subject, term=term, visit_id__in=visit_ids, withdrawn_at=None)
        waiting = [one for each in vital_suggestions(subject) if each.worst.found.term == term for one in each.waiting]
        shown = [one for one in waiting if one.visit.pk in visit_ids]
        if not shown and not judged.exists():
            raise Refused("These vital signs do not wait for a judgement any more.")
        VitalJudgement.objects.bulk_create(
            VitalJudgement(
                subject=subject,
                site_id=site_id,
                visit=one.visit,
                term=term,
                ctcae_version=CTCAE.value,
                grade=one.found.grade,
                judged_by_id=by.user_id,
                judged_at=at,
            )
            for one in shown
        )
        return len(shown)


def take_back_judgement(
    *, by: Actor, at: datetime, subject_id: int, site_id: int, kind: str, judgement_id: int, reason: str
) -> GradeJudgement | VitalJudgement:
    """What was judged not clinically significant waits to be judged anew. The judgement stays listed, with the reason.

    kind: of the record, as in JUDGEMENTS. Refused without a reason, and for one that does not stand.
    """
    with writing(by=by, duty=Duty.SIGN, site_id=site_id, at=at, reason=reason):
        if not reason.strip():
            raise Refused("Say why you take the judgement back.")
        subject = lock_open_subject(subject_id, site_id)
        found = JUDGEMENTS[kind].objects.filter(pk=judgement_id, subject=subject).first()
        if found is None or found.withdrawn_at is not None:
            raise Refused("This judgement does not stand any more.")
        found.withdrawn_at, found.withdrawn_by_id, found.withdrawn_reason = at, by.user_id, reason.strip()
        found.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_reason"])
        words = f"{found.term} was judged not clinically significant, and is not any more. {reason}"
        break_signatures_resting_on([f"{kind}:{found.pk}"], reason=words[:300], at=at)
        return found
