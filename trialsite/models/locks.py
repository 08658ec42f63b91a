"""Freezing and locking: a part of a subject's record is closed to changes, and opened again."""

from django.db import models

from trialsite.models.base import SubjectRecord
from trialsite.models.people import User


class LockStep(SubjectRecord):
    """One step in the closing and opening of one place. Appended, never edited: the newest step says how it stands.

    A place is what source data verification knows: a visit, enrolment, course, safety, or the doses of a month.
    """

    class Act(models.TextChoices):
        FREEZE = "freeze", "Frozen"
        RELEASE = "release", "Freeze lifted"
        LOCK = "lock", "Locked"
        UNLOCK = "unlock", "Unlocked"
        ASK = "ask", "Unlock asked for"
        DECLINE = "decline", "Unlock declined"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        FROZEN = "frozen", "Frozen"
        LOCKED = "locked", "Locked"

    place = models.CharField(max_length=20, help_text="Visit, or the part of the record.")
    number = models.PositiveIntegerField(help_text="Counts the steps of this place.")
    act = models.CharField(max_length=8, choices=Act.choices)
    state = models.CharField(max_length=6, choices=State.choices, help_text="How the place stands after this step.")
    reason = models.CharField(max_length=300, blank=True)
    snapshot = models.JSONField(null=True, blank=True, help_text="Every item of the place as it was locked.")
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the snapshot.")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    by_name = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["subject", "place", "number"], name="lockstep_one_after_the_other"),
            models.CheckConstraint(
                condition=models.Q(act__in=["release", "unlock"], state="open")
                | models.Q(act="freeze", state="frozen")
                | models.Q(act__in=["lock", "ask", "decline"], state="locked"),
                name="lockstep_leads_to_its_state",
            ),
            models.CheckConstraint(
                condition=(models.Q(act="lock", snapshot__isnull=False) & ~models.Q(digest=""))
                | (~models.Q(act="lock") & models.Q(snapshot=None, digest="")),
                name="lockstep_lock_keeps_a_snapshot",
            ),
            models.CheckConstraint(
                condition=models.Q(act__in=["freeze", "lock"]) | ~models.Q(reason=""),
                name="lockstep_opening_has_a_reason",
            ),
        ]
