"""Training in a protocol version: at a treating site nobody works with data before it is recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from protocol.versions import VERSIONS
from trialsite.access import Actor, Duty
from trialsite.context import writing
from trialsite.days import day_at, in_words
from trialsite.models import Site, Training, User
from trialsite.services.subjects import Refused


@dataclass(frozen=True)
class Trained:
    """What the certificate says. evidence: which document, and where it is filed."""

    protocol_version: str
    trained_on: date
    evidence: str


def record_training(*, by: Actor, at: datetime, user_id: int, trained: Trained) -> Training:
    """Record that a person was trained in a protocol version; from then on the duties at a site are open.

    The same again gives the first record. Refused for a version that is not declared, a day to come, no evidence,
    and where another training in that version stands.
    """
    with writing(by=by, duty=Duty.MANAGE_PEOPLE, site_id=None, at=at, reason="Training recorded"):
        user = User.objects.select_for_update().get(pk=user_id)
        _check(user, trained, at)
        standing = Training.objects.filter(
            user=user, protocol_version=trained.protocol_version, in_error_at=None
        ).first()
        if standing is not None:
            if (standing.trained_on, standing.evidence) == (trained.trained_on, trained.evidence):
                return standing
            raise Refused(
                f"Training in version {trained.protocol_version} on {in_words(standing.trained_on)} is recorded. "
                "If that is wrong, mark it as recorded in error first."
            )
        return Training.objects.create(
            user=user,
            protocol_version=trained.protocol_version,
            trained_on=trained.trained_on,
            evidence=trained.evidence,
            recorded_by_id=by.user_id,
            recorded_at=at,
        )


def _check(user: User, trained: Trained, at: datetime) -> None:
    if not user.is_active:
        raise Refused("This account is deactivated.")
    if trained.protocol_version not in VERSIONS:
        raise Refused(f"There is no protocol version {trained.protocol_version}.")
    if not trained.evidence.strip():
        raise Refused("Say which document shows the training, and where it is filed.")
    if trained.trained_on > _latest_day(user, at):
        raise Refused("The day of the training is in the future. Check the year.")


def _latest_day(user: User, at: datetime) -> date:
    """The day that it is where the person works: east of the coordinating centre it begins earlier."""
    zones = Site.objects.filter(delegations__user=user).values_list("time_zone", flat=True)
    return max(day_at(at, zone) for zone in {"UTC", *zones})


def take_back_training(*, by: Actor, at: datetime, training_id: int, reason: str) -> Training:
    """A training was recorded in error: it stays listed with the reason and counts no more."""
    with writing(by=by, duty=Duty.MANAGE_PEOPLE, site_id=None, at=at, reason=reason):
        training = Training.objects.select_for_update().get(pk=training_id)
        if training.in_error_at is not None:
            return training
        if not reason.strip():
            raise Refused("Say why this was recorded in error.")
        training.in_error_at, training.in_error_reason = at, reason
        training.save(update_fields=["in_error_at", "in_error_reason"])
        return training
