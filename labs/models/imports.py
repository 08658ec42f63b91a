"""Files of laboratories: how each laboratory's files are read, what came in, and what became of every row."""

from django.db import models
from django.db.models.fields.json import KT

from labs.models.results import Laboratory, LabResult
from trialsite.models import Site, Subject, User


class ImportMapping(models.Model):
    """How the files of one laboratory are read; the audit trail keeps what it was before."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    laboratory = models.OneToOneField(Laboratory, on_delete=models.PROTECT, related_name="mapping")
    mapping = models.JSONField(help_text="Columns, tests, units and the form of dates, see labs.mapping.")
    saved_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    saved_at = models.DateTimeField()


class LaboratoryToken(models.Model):
    """What a laboratory shows when it sends results. Kept as a digest: nobody can read it again."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    laboratory = models.ForeignKey(Laboratory, on_delete=models.PROTECT, related_name="tokens")
    label = models.CharField(max_length=60, help_text="Which system of the laboratory holds it.")
    token_digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the token.")
    made_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(revoked_at=None, revoked_by=None)
                | models.Q(revoked_at__isnull=False, revoked_by__isnull=False),
                name="laboratorytoken_revoked_by_whom_and_when",
            ),
        ]


class LabImport(models.Model):
    """One file or message of a laboratory. Its rows wait in quarantine until the site imports them."""

    class Source(models.TextChoices):
        CSV = "csv", "CSV file"
        FHIR = "fhir", "FHIR bundle"
        HL7 = "hl7", "HL7 message"

    class State(models.TextChoices):
        MATCHING = "matching", "Columns to match"
        READING = "reading", "Being read"
        CHECKING = "checking", "Being checked"
        REVIEW = "review", "To review"
        IMPORTING = "importing", "Being imported"
        DONE = "done", "Every row settled"
        CANCELLED = "cancelled", "Cancelled"

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    laboratory = models.ForeignKey(Laboratory, on_delete=models.PROTECT, related_name="+")
    source = models.CharField(max_length=4, choices=Source.choices, default=Source.CSV)
    token = models.ForeignKey(
        LaboratoryToken, null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        help_text="With what the laboratory sent it; empty for a file that a person uploaded.",
    )  # fmt: skip
    name = models.CharField(max_length=120, help_text="Name of the file, or number of the message.")
    sha256 = models.CharField(max_length=64, help_text="SHA-256 of the file as it was received.")
    content = models.TextField(
        blank=True, help_text="The file's text until the first rows are imported; columns not matched are not kept."
    )
    mapping = models.JSONField(default=dict, blank=True, help_text="How this file was read.")
    state = models.CharField(max_length=10, choices=State.choices)
    uploaded_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField()
    result_count = models.PositiveIntegerField(
        null=True, blank=True, help_text="Results that the file holds; known once its columns are matched."
    )
    accepted_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        help_text="In whose name a job imports the rows of a large file.",
    )  # fmt: skip
    accepted_at = models.DateTimeField(null=True, blank=True)
    stopped_because = models.CharField(
        max_length=300, blank=True, help_text="Why a job ended before every good row was imported."
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["laboratory", "sha256"],
                condition=~models.Q(state="cancelled"),
                name="labimport_same_file_once",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["matching", "reading", "checking", "review"]) | models.Q(content=""),
                name="labimport_text_is_forgotten_at_the_end",
            ),
            models.CheckConstraint(
                condition=models.Q(source="csv", token=None)
                | (~models.Q(source="csv") & models.Q(token__isnull=False)),
                name="labimport_message_was_sent_with_a_token",
            ),
            models.CheckConstraint(
                condition=models.Q(accepted_at=None, accepted_by=None)
                | models.Q(accepted_at__isnull=False, accepted_by__isnull=False),
                name="labimport_accepted_by_whom_and_when",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="importing") | models.Q(accepted_at__isnull=False),
                name="labimport_is_imported_in_a_name",
            ),
        ]


class ImportRow(models.Model):
    """One result of a file: as received, what the checks say of it, what was decided, what became of it."""

    class Disposition(models.TextChoices):
        NEW = "new", "New"
        UNCHANGED = "unchanged", "Already recorded"
        CORRECTED = "corrected", "Changed"
        CONFLICTING = "conflicting", "Conflicting"
        REJECTED = "rejected", "Rejected"

    class Decision(models.TextChoices):
        REPLACE = "replace", "Replace"
        KEEP = "keep", "Keep"
        LEAVE_OUT = "leave_out", "Leave out"

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    lab_import = models.ForeignKey(LabImport, on_delete=models.PROTECT, related_name="rows")
    place = models.PositiveIntegerField(help_text="Counted from 1 in the order of the file.")
    line = models.PositiveIntegerField(help_text="Row of the file, the heading is row 1.")
    received = models.JSONField(help_text="What the matched columns said, as text.")
    fixes = models.JSONField(default=dict, blank=True, help_text="What a person put in place of it.")
    subject = models.ForeignKey(Subject, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    analyte = models.CharField(max_length=30, blank=True)
    collected_on = models.DateField(null=True, blank=True)
    visit_code = models.CharField(max_length=6, blank=True, help_text="Where it belongs; uns for a new visit.")
    disposition = models.CharField(max_length=12, choices=Disposition.choices)
    field = models.CharField(max_length=12, blank=True, help_text="What has to be mended.")
    words = models.CharField(max_length=400, blank=True, help_text="Why, in a sentence.")
    would_save = models.CharField(max_length=80, blank=True, help_text="The result as it is understood.")
    recorded = models.CharField(max_length=80, blank=True, help_text="What is recorded in its place.")
    decision = models.CharField(max_length=10, choices=Decision.choices, blank=True)
    decision_reason = models.CharField(max_length=200, blank=True)
    result = models.ForeignKey(LabResult, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    settled_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["place"]
        indexes = [models.Index("lab_import", KT("received__parts__accession"), name="importrow_by_accession")]
        constraints = [
            models.UniqueConstraint(fields=["lab_import", "place"], name="importrow_place_once"),
            models.CheckConstraint(
                condition=~models.Q(decision="replace") | ~models.Q(decision_reason=""),
                name="importrow_replaced_with_a_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(settled_at=None)
                | ~models.Q(disposition="rejected")
                | models.Q(decision="leave_out"),
                name="importrow_rejected_is_left_out_or_waits",
            ),
        ]
