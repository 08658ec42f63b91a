"""Electronic signatures, bound to exactly what was shown. Rows are only ever added."""

from django.db import models

from trialsite.models.people import Site, User
from trialsite.models.subjects import Subject


class Signature(models.Model):
    """Who signed what, when, with which meaning, over which content (SHA-256 of its canonical JSON)."""

    site = models.ForeignKey(Site, null=True, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(Subject, null=True, on_delete=models.PROTECT, related_name="+")
    record_type = models.CharField(max_length=40, help_text="For example phase_decision, eligibility.")
    record_id = models.CharField(max_length=40)
    signer = models.ForeignKey(User, on_delete=models.PROTECT, related_name="signatures")
    printed_name = models.CharField(max_length=200)
    role = models.CharField(max_length=20)
    meaning = models.CharField(max_length=40)
    statement = models.TextField(help_text="The sentence above the signature, as it was shown.")
    signed_at = models.DateTimeField()
    time_zone = models.CharField(max_length=64)
    content = models.JSONField()
    digest = models.CharField(max_length=64)
    authenticated_by = models.CharField(max_length=40, help_text="How identity was proved at signing.")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["record_type", "record_id", "digest", "signer"], name="signature_once_per_content"
            ),
        ]


class SignatureBasis(models.Model):
    """A record version that a signature rests on; a change of it breaks the signature."""

    signature = models.ForeignKey(Signature, on_delete=models.PROTECT, related_name="basis")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    source = models.CharField(max_length=60, help_text="Opaque reference, for example lab_result:17.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["signature", "source"], name="signaturebasis_once"),
        ]
        indexes = [models.Index(fields=["source"])]


class SignatureEvent(models.Model):
    """A signature was broken by a change, superseded, or withdrawn. The signature itself stays."""

    class Kind(models.TextChoices):
        BROKEN = "broken", "Broken"
        SUPERSEDED = "superseded", "Superseded"
        WITHDRAWN = "withdrawn", "Withdrawn"

    signature = models.ForeignKey(Signature, on_delete=models.PROTECT, related_name="events")
    site = models.ForeignKey(Site, null=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    reason = models.CharField(max_length=300)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["signature", "kind"], name="signatureevent_each_kind_once"),
        ]


class FailedSigning(models.Model):
    """Somebody entered wrong credentials where a signature was asked for."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    what = models.CharField(max_length=200, help_text="Address of the page.")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["user", "at"])]


class ParameterConfirmation(models.Model):
    """A protocol parameter that no public source states, confirmed by a signature; withdrawn, it holds nowhere."""

    name = models.CharField(max_length=60)
    value = models.CharField(max_length=60)
    unit = models.CharField(max_length=20, blank=True)
    protocol_version = models.CharField(max_length=20)
    reason = models.CharField(max_length=300)
    confirmed_at = models.DateTimeField()
    confirmed_by_name = models.CharField(max_length=200, help_text="Readable at every site, unlike the signature.")
    signature = models.OneToOneField(Signature, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(withdrawn_at=None) | ~models.Q(withdrawn_reason=""),
                name="parameterconfirmation_withdrawn_with_a_reason",
            )
        ]


class ProtocolActivation(models.Model):
    """An amendment came into force by signature: who is screened from then on consents to this version."""

    version = models.CharField(max_length=20)
    replaces = models.CharField(max_length=20)
    reason = models.CharField(max_length=300)
    activated_at = models.DateTimeField()
    activated_by_name = models.CharField(max_length=200, help_text="Readable at every site, unlike the signature.")
    signature = models.OneToOneField(Signature, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["version"], condition=models.Q(withdrawn_at=None), name="protocolactivation_each_version_once"
            ),
            models.CheckConstraint(
                condition=models.Q(withdrawn_at=None) | ~models.Q(withdrawn_reason=""),
                name="protocolactivation_withdrawn_with_a_reason",
            ),
        ]
