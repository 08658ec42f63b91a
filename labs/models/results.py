"""Specimens and results as reported, disease assessments, reference ranges, and the derived response."""

from django.db import models

from trialsite.models import Sex, Signature, Site, SubjectRecord, User, Visit


class Laboratory(models.Model):
    """A laboratory that reports for one site."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="laboratories")
    name = models.CharField(max_length=120)
    is_central = models.BooleanField(default=False)
    closed_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["site", "name"], name="laboratory_once_per_site")]


class ReferenceRange(models.Model):
    """Limits of normal of one laboratory for one analyte, by sex and age, for a span of dates."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    laboratory = models.ForeignKey(Laboratory, on_delete=models.PROTECT, related_name="ranges")
    analyte = models.CharField(max_length=30)
    sex = models.CharField(max_length=1, choices=Sex.choices, blank=True, help_text="Empty for both.")
    age_from = models.PositiveSmallIntegerField(default=18)
    age_to = models.PositiveSmallIntegerField(default=120)
    low = models.DecimalField(max_digits=14, decimal_places=5, null=True, blank=True)
    high = models.DecimalField(max_digits=14, decimal_places=5, null=True, blank=True)
    unit = models.CharField(max_length=20, help_text="Canonical unit of the analyte.")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    entered_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    entered_at = models.DateTimeField()

    class Meta:
        ordering = ["analyte", "sex", "valid_from"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(low=None) | models.Q(high=None) | models.Q(low__lte=models.F("high")),
                name="range_low_below_high",
            ),
            models.CheckConstraint(
                condition=models.Q(valid_to=None) | models.Q(valid_to__gte=models.F("valid_from")),
                name="range_ends_after_it_starts",
            ),
        ]


class Specimen(SubjectRecord):
    """What was drawn at one collection for one panel, and which laboratory measured it."""

    class Status(models.TextChoices):
        COMPLETE = "complete", "Complete"
        IN_ERROR = "in_error", "Entered in error"

    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="specimens")
    panel = models.CharField(max_length=20)
    laboratory = models.ForeignKey(Laboratory, null=True, on_delete=models.PROTECT, related_name="+")
    collected_on = models.DateField()
    collected_time = models.TimeField(null=True, blank=True)
    accession = models.CharField(max_length=40, blank=True)
    method = models.CharField(max_length=60, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices)
    status_reason = models.CharField(max_length=300, blank=True)
    version = models.PositiveIntegerField(default=1, help_text="Raised by every save; stale saves are refused.")
    recorded_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["collected_on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["visit", "panel"],
                condition=models.Q(status="complete"),
                name="specimen_one_per_visit_and_panel",
            ),
            models.CheckConstraint(
                condition=models.Q(status="complete") | ~models.Q(status_reason=""),
                name="specimen_in_error_has_a_reason",
            ),
        ]


#: Results whose specimen stands. Said as "not in error", since for "complete" the database would, while it has no
#: statistics yet, begin with every complete specimen of the site, by the index of one per visit and panel.
SPECIMEN_STANDS = ~models.Q(specimen__status=Specimen.Status.IN_ERROR)


class LabResult(SubjectRecord):
    """One version of one result: as typed, and beside it the canonical value. Never overwritten."""

    specimen = models.ForeignKey(Specimen, on_delete=models.PROTECT, related_name="results")
    analyte = models.CharField(max_length=30)
    version = models.PositiveSmallIntegerField(default=1)
    typed = models.CharField(max_length=40, help_text="Exactly what was typed, for example <0.1 or nd.")
    typed_unit = models.CharField(max_length=20, blank=True)
    comparator = models.CharField(max_length=1, blank=True, help_text="< or > of a censored value.")
    value = models.DecimalField(max_digits=16, decimal_places=6, null=True, blank=True)
    unit = models.CharField(max_length=20, blank=True, help_text="Canonical UCUM unit of value.")
    coded = models.CharField(max_length=20, blank=True, help_text="POSITIVE, NEGATIVE ... for coded tests.")
    missing = models.CharField(max_length=4, blank=True, help_text="ND, NA, UNK or PEND.")
    missing_reason = models.CharField(max_length=200, blank=True)
    reference_low = models.DecimalField(max_digits=14, decimal_places=5, null=True, blank=True)
    reference_high = models.DecimalField(max_digits=14, decimal_places=5, null=True, blank=True)
    conversion_version = models.CharField(max_length=20)
    reason = models.CharField(max_length=300, blank=True, help_text="Why it was changed; empty at first entry.")
    entered_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    entered_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["specimen", "analyte", "version"], name="labresult_version_once"),
            models.UniqueConstraint(
                fields=["specimen", "analyte"],
                condition=models.Q(superseded_at=None),
                name="labresult_one_current_version",
            ),
            models.CheckConstraint(
                condition=models.Q(version=1) | ~models.Q(reason=""), name="labresult_change_has_a_reason"
            ),
            models.CheckConstraint(
                condition=models.Q(value__isnull=False, coded="", missing="")
                | (models.Q(value=None, missing="") & ~models.Q(coded=""))
                | (models.Q(value=None, coded="") & ~models.Q(missing="")),
                name="labresult_value_or_code_or_missing",
            ),
        ]
        # What stands of one subject is read by every save; without it a few rows are picked out of everybody's.
        indexes = [
            models.Index(
                fields=["subject", "analyte"], condition=models.Q(superseded_at=None), name="labresult_standing"
            )
        ]


class DiseaseAssessment(SubjectRecord):
    """One version of the disease-assessment form: what blood counts and chemistry cannot say.

    Each part has its own date, since marrow, imaging and immunofixation are rarely done on one day.
    Empty text or null is "not done".
    """

    class Finding(models.TextChoices):
        NEGATIVE = "NEGATIVE", "Negative"
        POSITIVE = "POSITIVE", "Positive"

    class Lesions(models.TextChoices):
        NONE = "NONE", "None"
        UNCHANGED = "UNCHANGED", "Present, unchanged"
        NEW_OR_ENLARGED = "NEW_OR_ENLARGED", "New or enlarged"

    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="disease_assessments")
    version = models.PositiveSmallIntegerField(default=1)
    immunofixation_on = models.DateField(null=True, blank=True)
    serum_ife = models.CharField(max_length=8, choices=Finding.choices, blank=True)
    urine_ife = models.CharField(max_length=8, choices=Finding.choices, blank=True)
    marrow_on = models.DateField(null=True, blank=True)
    bm_pc = models.DecimalField("Marrow plasma cells, %", max_digits=5, decimal_places=2, null=True, blank=True)
    bm_clonal = models.CharField(max_length=8, choices=Finding.choices, blank=True)
    imaging_on = models.DateField(null=True, blank=True)
    imaging_method = models.CharField(max_length=40, blank=True)
    bone_lesions = models.CharField(max_length=16, choices=Lesions.choices, blank=True)
    focal_mri_lesions = models.PositiveSmallIntegerField(null=True, blank=True)
    plasmacytoma = models.CharField(max_length=16, choices=Lesions.choices, blank=True)
    plasmacytoma_spd_mm2 = models.DecimalField(max_digits=8, decimal_places=1, null=True, blank=True)
    circulating_pc_per_ul = models.DecimalField(max_digits=8, decimal_places=1, null=True, blank=True)
    attribution_on = models.DateField(null=True, blank=True)
    calcium_attributed = models.BooleanField(null=True, blank=True)
    renal_attributed = models.BooleanField(null=True, blank=True)
    anaemia_attributed = models.BooleanField(null=True, blank=True)
    bone_attributed = models.BooleanField(null=True, blank=True)
    comment = models.CharField(max_length=500, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    in_error = models.BooleanField(default=False)
    entered_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    entered_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["visit", "version"], name="diseaseassessment_version_once"),
            models.UniqueConstraint(
                fields=["visit"],
                condition=models.Q(superseded_at=None),
                name="diseaseassessment_one_current_version",
            ),
            models.CheckConstraint(
                condition=models.Q(version=1) | ~models.Q(reason=""),
                name="diseaseassessment_change_has_a_reason",
            ),
        ]


class ResponseAssessment(SubjectRecord):
    """The response derived from everything known at one moment, with its inputs. Appended, never edited."""

    computed_at = models.DateTimeField()
    caused_by = models.CharField(max_length=200, help_text="The change that made the machine compute it.")
    protocol_version = models.CharField(max_length=20)
    criteria_version = models.CharField(max_length=10)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the inputs and rule version.")
    inputs = models.JSONField()
    result = models.JSONField()
    confirmed = models.CharField(max_length=4, blank=True)
    latest_timepoint = models.CharField(max_length=4, blank=True)
    latest_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["subject", "-id"])]


class ResponseSignature(SubjectRecord):
    """An investigator's signature under one derived response."""

    assessment = models.ForeignKey(ResponseAssessment, on_delete=models.PROTECT, related_name="signatures")
    signature = models.OneToOneField(Signature, on_delete=models.PROTECT, related_name="+")
