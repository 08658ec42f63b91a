"""Consent, the evidence for eligibility, its signed snapshot, registration and screen failure."""

from django.db import models

from trialsite.models import Signature, Site, SubjectRecord, User


class ConsentForm(models.Model):
    """One version of the consent form at one site, in force from the day its ethics committee states."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    version = models.CharField(max_length=20, help_text="As printed on the form.")
    approved_on = models.DateField(help_text="Approved by the site's ethics committee.")
    effective_on = models.DateField(help_text="First day on which this version is used at the site.")
    needs_reconsent = models.BooleanField(help_text="Subjects who consented to an older version consent again.")
    changes = models.CharField(max_length=500, help_text="What is new in this version, in a sentence.")
    protocol_version = models.CharField(
        max_length=20, blank=True, help_text="Protocol version that consent to this form agrees to; empty if unchanged."
    )
    entered_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    entered_at = models.DateTimeField()
    in_error_at = models.DateTimeField(null=True, blank=True)
    in_error_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["site", "effective_on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "version"], condition=models.Q(in_error_at=None), name="consentform_version_once"
            ),
            models.UniqueConstraint(
                fields=["site", "effective_on"], condition=models.Q(in_error_at=None), name="consentform_one_per_day"
            ),
            models.CheckConstraint(
                condition=models.Q(effective_on__gte=models.F("approved_on")),
                name="consentform_in_force_after_approval",
            ),
            models.CheckConstraint(
                condition=models.Q(in_error_at=None) | ~models.Q(in_error_reason=""),
                name="consentform_in_error_has_a_reason",
            ),
        ]


class Consent(SubjectRecord):
    class Signer(models.TextChoices):
        SUBJECT = "subject", "The subject"
        REPRESENTATIVE = "representative", "Legally authorised representative"

    form_version = models.CharField(max_length=20)
    consented_on = models.DateField()
    consented_time = models.TimeField(null=True, blank=True)
    signed_by = models.CharField(max_length=14, choices=Signer.choices, default=Signer.SUBJECT)
    obtained_by = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="+", help_text="Who explained the form and signed it."
    )
    is_adult = models.BooleanField(help_text="18 or older on the day of consent.")
    another_person_because = models.CharField(
        max_length=300, blank=True, help_text="Why this is not the other subject with the same particulars."
    )
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


class Waiver(SubjectRecord):
    """A criterion that is not met and that an investigator lets pass, or not. The criterion stays not met.

    It holds for the evidence on which it was asked for, and for no other.
    """

    class Decision(models.TextChoices):
        APPROVED = "approved", "Approved"
        REFUSED = "refused", "Refused"

    criterion = models.CharField(max_length=4)
    judgement = models.JSONField(help_text="The row of the checklist when the waiver was asked for.")
    fingerprint = models.CharField(max_length=64, help_text="Of the evidence of this criterion.")
    reason = models.CharField(max_length=300)
    requested_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    decision = models.CharField(max_length=8, choices=Decision.choices, blank=True)
    decision_reason = models.CharField(max_length=300, blank=True)
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    signature = models.OneToOneField(Signature, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "criterion"],
                condition=models.Q(decision=""),
                name="waiver_one_waiting_per_criterion",
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="waiver_has_a_reason"),
            models.CheckConstraint(
                condition=models.Q(decision="", decided_at=None, signature=None)
                | (
                    models.Q(decided_at__isnull=False, signature__isnull=False)
                    & ~models.Q(decision="")
                    & ~models.Q(decision_reason="")
                ),
                name="waiver_decision_is_signed_with_a_reason",
            ),
        ]


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
    passive_follow_up_allowed = models.BooleanField(
        null=True, blank=True, help_text="Scope of a withdrawal: may public records still be followed?"
    )
    recorded_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject"], name="screenfailure_once_per_subject")]
