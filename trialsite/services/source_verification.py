"""Source data verification: a monitor states that values say what the source says, and may take that back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.core.exceptions import PermissionDenied

from trialsite.access import Actor, Duty
from trialsite.context import writing
from trialsite.lock_selectors import check_not_locked
from trialsite.models import SourceVerification, SourceVerificationWithdrawal
from trialsite.sdv_selectors import Item, State, items_of
from trialsite.services.subjects import Refused, Stale, lock_open_subject


def verify_items(
    *, by: Actor, at: datetime, subject_id: int, site_id: int, tokens: Iterable[str]
) -> list[SourceVerification]:
    """Verify items in exactly the versions that were shown (`Item.token`); what is verified already stays as it is.

    Stale if one of them has changed since it was shown: then none is verified, and the page shows what is new.
    PermissionDenied for a value that the person entered.
    """
    with writing(by=by, duty=Duty.VERIFY_SOURCE, site_id=site_id, at=at):
        subject = lock_open_subject(subject_id, site_id)
        person = _person(by)
        chosen = _chosen(items_of(subject), list(dict.fromkeys(tokens)))
        for place in dict.fromkeys(one.place for one in chosen):
            check_not_locked(subject, place)
        if any(one.author_id == person for one in chosen):
            raise PermissionDenied("Who entered a value cannot verify it.")
        return SourceVerification.objects.bulk_create(
            SourceVerification(
                subject=subject, site_id=site_id, record_type=one.record_type, record_id=one.record_id, item=one.item,
                event_number=one.version, attempt=_attempts(one) + 1, place=one.place, value=one.value,
                is_critical=one.is_critical, verified_by_id=person, verified_at=at,
            )
            for one in chosen
            if one.state is not State.VERIFIED
        )  # fmt: skip


def _person(by: Actor) -> int:
    if by.user_id is None:
        raise PermissionDenied("A person compares with the source.")
    return by.user_id


def _chosen(items: Sequence[Item], tokens: Sequence[str]) -> list[Item]:
    if not tokens:
        raise Refused("Choose what to verify.")
    now = {one.token: one for one in items}
    missing = {token.rpartition(":")[0] for token in tokens if token not in now}
    changed = [one.label for one in items if one.token.rpartition(":")[0] in missing]
    if missing:
        what = ", ".join(changed) or "something"
        raise Stale(f"Changed since you opened this page: {what}. Nothing was verified; compare it again.")
    return [now[token] for token in tokens]


def _attempts(one: Item) -> int:
    """How often this version was verified before, each time taken back."""
    latest = one.latest.verification if one.latest else None
    return latest.attempt if latest and latest.event_number == one.version else 0


def withdraw_verification(
    *, by: Actor, at: datetime, subject_id: int, site_id: int, verification_id: int, reason: str
) -> SourceVerificationWithdrawal:
    """Take a verification back: it stays readable with the reason, and the value is to be verified again."""
    with writing(by=by, duty=Duty.VERIFY_SOURCE, site_id=site_id, at=at):
        subject = lock_open_subject(subject_id, site_id)
        if not reason.strip():
            raise Refused("Say why the verification is withdrawn.")
        standing = (one for one in items_of(subject) if one.is_verified and one.latest is not None)
        found = next((one for one in standing if one.latest and one.latest.verification.pk == verification_id), None)
        if found is None:
            raise Refused("This verification was withdrawn already, or the value has changed since.")
        check_not_locked(subject, found.place)
        return SourceVerificationWithdrawal.objects.create(
            verification_id=verification_id,
            subject=subject,
            site_id=site_id,
            reason=reason.strip(),
            withdrawn_by_id=_person(by),
            withdrawn_at=at,
        )
