"""Consent, the evidence for eligibility, its signed snapshot, registration and screen failure."""

from django.db import models

from trialsite.models import Signature, SubjectRecord, User


class Consent(SubjectRecord):
    form_version = models.CharField(max_length=20)
    consented_on = models.DateField()
    consented_time = models.TimeField(null=True, blank=True)
    is_adult = models.BooleanField(help_text="18 or older on the day of consent.")
    recorded_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["subject", "form_version"], name="consent_once_per_form_version")
        ]


class ScreeningAnswer(SubjectRecord):
    """One version of one answer that no laboratory gives (ECOG, diagnosis, can self-inject ...)."""

    item = models.CharField(max_length=40)
    version = models.PositiveSmallIntegerField(default=1)
    value = models.CharField(max_length=200)
    evidence_on = models.DateField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    entered_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    entered_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["subject", "item", "version"], name="screeninganswer_version_once"),
            models.UniqueConstraint(
                fields=["subject", "item"],
                condition=models.Q(superseded_at=None),
                name="screeninganswer_one_current",
            ),
            models.CheckConstraint(
                condition=models.Q(version=1) | ~models.Q(reason=""),
                name="screeninganswer_change_has_a_reason",
            ),
        ]


class EligibilitySnapshot(SubjectRecord):
    """Every criterion judged on the evidence of one moment; what the investigator signs."""

    computed_at = models.DateTimeField()
    protocol_version = models.CharField(max_length=20)
    fingerprint = models.CharField(max_length=64)
    judgements = models.JSONField()
    outcome = models.CharField(max_length=13, help_text="MET, NOT_MET or INDETERMINATE over all criteria.")
    sent_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    signature = models.OneToOneField(Signature, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["id"]


class Registration(SubjectRecord):
    snapshot = models.OneToOneField(EligibilitySnapshot, on_delete=models.PROTECT, related_name="+")
    registered_on = models.DateField()
    registered_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    registered_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject"], name="registration_once_per_subject")]


class ScreenFailure(SubjectRecord):
    failed_on = models.DateField()
    criteria = models.JSONField(default=list, help_text="Ids of the criteria not met; empty if consent ended.")
    reason = models.CharField(max_length=300)
    recorded_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject"], name="screenfailure_once_per_subject")]
