"""Source data verification: a monitor compared one value with its source, and what became of that."""

from django.db import models

from trialsite.models.base import SubjectRecord
from trialsite.models.people import User


class SourceVerification(SubjectRecord):
    """One version of one item was compared with the source. Appended, never edited: a new version has none.

    `event_number` is the version: the event of the audit trail that wrote the value, see `trialsite.source_fold`.
    """

    record_type = models.CharField(max_length=40)
    record_id = models.BigIntegerField(help_text="The record as it was first written.")
    item = models.CharField(max_length=40)
    event_number = models.BigIntegerField(help_text="Event of the audit trail that wrote the verified value.")
    attempt = models.PositiveSmallIntegerField(default=1, help_text="Counts on after a withdrawal.")
    place = models.CharField(max_length=20, help_text="Visit, or the part of the record it belongs to.")
    value = models.TextField(help_text="What was compared, as it was shown.")
    is_critical = models.BooleanField(help_text="The item was declared critical.")
    verified_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    verified_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["record_type", "record_id", "item", "event_number", "attempt"],
                name="sourceverification_once_per_version_and_attempt",
            ),
            models.CheckConstraint(
                condition=models.Q(attempt__gte=1, event_number__gte=1), name="sourceverification_of_a_version"
            ),
        ]


class SourceVerificationWithdrawal(SubjectRecord):
    """A monitor took a verification back. The verification stays, visible and withdrawn."""

    verification = models.OneToOneField(SourceVerification, on_delete=models.PROTECT, related_name="withdrawal")
    reason = models.CharField(max_length=300)
    withdrawn_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(reason=""), name="sourceverificationwithdrawal_has_a_reason"),
        ]
