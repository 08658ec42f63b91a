"""The tables of labs."""

import django.db.models.fields.json
from django.conf import settings
from django.db import migrations, models

from trialsite.tables import CreateTables, link, row_id

TABLES = [
    migrations.CreateModel(
        name="Laboratory",
        fields=[
            ("id", row_id()),
            ("site", link("trialsite.site", related_name="laboratories")),
            ("name", models.CharField(max_length=120)),
            ("is_central", models.BooleanField(default=False)),
            ("closed_on", models.DateField(blank=True, null=True)),
        ],
        options={
            "ordering": ["name"],
            "constraints": [models.UniqueConstraint(fields=("site", "name"), name="laboratory_once_per_site")],
        },
    ),
    migrations.CreateModel(
        name="ReferenceRange",
        fields=[
            ("id", row_id()),
            ("site", link("trialsite.site")),
            ("laboratory", link("labs.laboratory", related_name="ranges")),
            ("analyte", models.CharField(max_length=30)),
            (
                "sex",
                models.CharField(
                    blank=True, choices=[("F", "Female"), ("M", "Male")], help_text="Empty for both.", max_length=1
                ),
            ),
            ("age_from", models.PositiveSmallIntegerField(default=18)),
            ("age_to", models.PositiveSmallIntegerField(default=120)),
            ("low", models.DecimalField(blank=True, decimal_places=5, max_digits=14, null=True)),
            ("high", models.DecimalField(blank=True, decimal_places=5, max_digits=14, null=True)),
            ("unit", models.CharField(help_text="Canonical unit of the analyte.", max_length=20)),
            ("valid_from", models.DateField()),
            ("valid_to", models.DateField(blank=True, null=True)),
            ("entered_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("entered_at", models.DateTimeField()),
        ],
        options={
            "ordering": ["analyte", "sex", "valid_from"],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("low", None), ("high", None), ("low__lte", models.F("high")), _connector="OR"),
                    name="range_low_below_high",
                ),
                models.CheckConstraint(
                    condition=models.Q(("valid_to", None), ("valid_to__gte", models.F("valid_from")), _connector="OR"),
                    name="range_ends_after_it_starts",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Specimen",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("visit", link("trialsite.visit", related_name="specimens")),
            ("panel", models.CharField(max_length=20)),
            ("laboratory", link("labs.laboratory", null=True)),
            ("collected_on", models.DateField()),
            ("collected_time", models.TimeField(blank=True, null=True)),
            ("accession", models.CharField(blank=True, max_length=40)),
            ("method", models.CharField(blank=True, max_length=60)),
            (
                "status",
                models.CharField(choices=[("complete", "Complete"), ("in_error", "Entered in error")], max_length=10),
            ),
            ("status_reason", models.CharField(blank=True, max_length=300)),
            (
                "version",
                models.PositiveIntegerField(default=1, help_text="Raised by every save; stale saves are refused."),
            ),
            ("recorded_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("recorded_at", models.DateTimeField()),
        ],
        options={
            "ordering": ["collected_on", "id"],
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("status", "complete")),
                    fields=("visit", "panel"),
                    name="specimen_one_per_visit_and_panel",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("status", "complete"), models.Q(("status_reason", ""), _negated=True), _connector="OR"
                    ),
                    name="specimen_in_error_has_a_reason",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="LabResult",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("specimen", link("labs.specimen", related_name="results")),
            ("analyte", models.CharField(max_length=30)),
            ("version", models.PositiveSmallIntegerField(default=1)),
            ("typed", models.CharField(help_text="Exactly what was typed, for example <0.1 or nd.", max_length=40)),
            ("typed_unit", models.CharField(blank=True, max_length=20)),
            ("comparator", models.CharField(blank=True, help_text="< or > of a censored value.", max_length=1)),
            ("value", models.DecimalField(blank=True, decimal_places=6, max_digits=16, null=True)),
            ("unit", models.CharField(blank=True, help_text="Canonical UCUM unit of value.", max_length=20)),
            ("coded", models.CharField(blank=True, help_text="POSITIVE, NEGATIVE ... for coded tests.", max_length=20)),
            ("missing", models.CharField(blank=True, help_text="ND, NA, UNK or PEND.", max_length=4)),
            ("missing_reason", models.CharField(blank=True, max_length=200)),
            ("reference_low", models.DecimalField(blank=True, decimal_places=5, max_digits=14, null=True)),
            ("reference_high", models.DecimalField(blank=True, decimal_places=5, max_digits=14, null=True)),
            ("conversion_version", models.CharField(max_length=20)),
            (
                "reason",
                models.CharField(blank=True, help_text="Why it was changed; empty at first entry.", max_length=300),
            ),
            ("entered_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("entered_at", models.DateTimeField()),
            ("superseded_at", models.DateTimeField(blank=True, null=True)),
        ],
        options={
            "ordering": ["id"],
            "indexes": [
                models.Index(
                    condition=models.Q(("superseded_at", None)),
                    fields=["subject", "analyte"],
                    name="labresult_standing",
                )
            ],
            "constraints": [
                models.UniqueConstraint(fields=("specimen", "analyte", "version"), name="labresult_version_once"),
                models.UniqueConstraint(
                    condition=models.Q(("superseded_at", None)),
                    fields=("specimen", "analyte"),
                    name="labresult_one_current_version",
                ),
                models.CheckConstraint(
                    condition=models.Q(("version", 1), models.Q(("reason", ""), _negated=True), _connector="OR"),
                    name="labresult_change_has_a_reason",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("coded", ""), ("missing", ""), ("value__isnull", False)),
                        models.Q(("missing", ""), ("value", None), models.Q(("coded", ""), _negated=True)),
                        models.Q(("coded", ""), ("value", None), models.Q(("missing", ""), _negated=True)),
                        _connector="OR",
                    ),
                    name="labresult_value_or_code_or_missing",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="DiseaseAssessment",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("visit", link("trialsite.visit", related_name="disease_assessments")),
            ("version", models.PositiveSmallIntegerField(default=1)),
            ("immunofixation_on", models.DateField(blank=True, null=True)),
            (
                "serum_ife",
                models.CharField(
                    blank=True, choices=[("NEGATIVE", "Negative"), ("POSITIVE", "Positive")], max_length=8
                ),
            ),
            (
                "urine_ife",
                models.CharField(
                    blank=True, choices=[("NEGATIVE", "Negative"), ("POSITIVE", "Positive")], max_length=8
                ),
            ),
            ("marrow_on", models.DateField(blank=True, null=True)),
            (
                "bm_pc",
                models.DecimalField(
                    blank=True, decimal_places=2, max_digits=5, null=True, verbose_name="Marrow plasma cells, %"
                ),
            ),
            (
                "bm_clonal",
                models.CharField(
                    blank=True, choices=[("NEGATIVE", "Negative"), ("POSITIVE", "Positive")], max_length=8
                ),
            ),
            ("imaging_on", models.DateField(blank=True, null=True)),
            ("imaging_method", models.CharField(blank=True, max_length=40)),
            (
                "bone_lesions",
                models.CharField(
                    blank=True,
                    choices=[
                        ("NONE", "None"),
                        ("UNCHANGED", "Present, unchanged"),
                        ("NEW_OR_ENLARGED", "New or enlarged"),
                    ],
                    max_length=16,
                ),
            ),
            ("focal_mri_lesions", models.PositiveSmallIntegerField(blank=True, null=True)),
            (
                "plasmacytoma",
                models.CharField(
                    blank=True,
                    choices=[
                        ("NONE", "None"),
                        ("UNCHANGED", "Present, unchanged"),
                        ("NEW_OR_ENLARGED", "New or enlarged"),
                    ],
                    max_length=16,
                ),
            ),
            ("plasmacytoma_spd_mm2", models.DecimalField(blank=True, decimal_places=1, max_digits=8, null=True)),
            ("circulating_pc_per_ul", models.DecimalField(blank=True, decimal_places=1, max_digits=8, null=True)),
            ("attribution_on", models.DateField(blank=True, null=True)),
            ("calcium_attributed", models.BooleanField(blank=True, null=True)),
            ("renal_attributed", models.BooleanField(blank=True, null=True)),
            ("anaemia_attributed", models.BooleanField(blank=True, null=True)),
            ("bone_attributed", models.BooleanField(blank=True, null=True)),
            ("comment", models.CharField(blank=True, max_length=500)),
            ("reason", models.CharField(blank=True, max_length=300)),
            ("in_error", models.BooleanField(default=False)),
            ("entered_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("entered_at", models.DateTimeField()),
            ("superseded_at", models.DateTimeField(blank=True, null=True)),
        ],
        options={
            "ordering": ["id"],
            "constraints": [
                models.UniqueConstraint(fields=("visit", "version"), name="diseaseassessment_version_once"),
                models.UniqueConstraint(
                    condition=models.Q(("superseded_at", None)),
                    fields=("visit",),
                    name="diseaseassessment_one_current_version",
                ),
                models.CheckConstraint(
                    condition=models.Q(("version", 1), models.Q(("reason", ""), _negated=True), _connector="OR"),
                    name="diseaseassessment_change_has_a_reason",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="ResponseAssessment",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("computed_at", models.DateTimeField()),
            ("caused_by", models.CharField(help_text="The change that made the machine compute it.", max_length=200)),
            ("protocol_version", models.CharField(max_length=20)),
            ("criteria_version", models.CharField(max_length=10)),
            ("fingerprint", models.CharField(help_text="SHA-256 of the inputs and rule version.", max_length=64)),
            ("inputs", models.JSONField()),
            ("result", models.JSONField()),
            ("confirmed", models.CharField(blank=True, max_length=4)),
            ("latest_timepoint", models.CharField(blank=True, max_length=4)),
            ("latest_on", models.DateField(blank=True, null=True)),
        ],
        options={
            "ordering": ["id"],
            "indexes": [models.Index(fields=["subject", "-id"], name="labs_respon_subject_2c410d_idx")],
        },
    ),
    migrations.CreateModel(
        name="ResponseSignature",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("assessment", link("labs.responseassessment", related_name="signatures")),
            ("signature", models.OneToOneField(on_delete=models.PROTECT, related_name="+", to="trialsite.signature")),
        ],
        options={"abstract": False},
    ),
    migrations.CreateModel(
        name="ImportMapping",
        fields=[
            ("id", row_id()),
            ("site", link("trialsite.site")),
            (
                "laboratory",
                models.OneToOneField(on_delete=models.PROTECT, related_name="mapping", to="labs.laboratory"),
            ),
            ("mapping", models.JSONField(help_text="Columns, tests, units and the form of dates, see labs.mapping.")),
            ("saved_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("saved_at", models.DateTimeField()),
        ],
    ),
    migrations.CreateModel(
        name="LaboratoryToken",
        fields=[
            ("id", row_id()),
            ("site", link("trialsite.site")),
            ("laboratory", link("labs.laboratory", related_name="tokens")),
            ("label", models.CharField(help_text="Which system of the laboratory holds it.", max_length=60)),
            ("token_digest", models.CharField(help_text="SHA-256 of the token.", max_length=64, unique=True)),
            ("made_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("made_at", models.DateTimeField()),
            ("last_used_at", models.DateTimeField(blank=True, null=True)),
            ("revoked_by", link(settings.AUTH_USER_MODEL, blank=True, null=True)),
            ("revoked_at", models.DateTimeField(blank=True, null=True)),
        ],
        options={
            "ordering": ["-id"],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("revoked_at", None), ("revoked_by", None)),
                        models.Q(("revoked_at__isnull", False), ("revoked_by__isnull", False)),
                        _connector="OR",
                    ),
                    name="laboratorytoken_revoked_by_whom_and_when",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="LabImport",
        fields=[
            ("id", row_id()),
            ("site", link("trialsite.site")),
            ("laboratory", link("labs.laboratory")),
            (
                "source",
                models.CharField(
                    choices=[("csv", "CSV file"), ("fhir", "FHIR bundle"), ("hl7", "HL7 message")],
                    default="csv",
                    max_length=4,
                ),
            ),
            (
                "token",
                link(
                    "labs.laboratorytoken",
                    blank=True,
                    help_text="With what the laboratory sent it; empty for a file that a person uploaded.",
                    null=True,
                ),
            ),
            ("name", models.CharField(help_text="Name of the file, or number of the message.", max_length=120)),
            ("sha256", models.CharField(help_text="SHA-256 of the file as it was received.", max_length=64)),
            (
                "content",
                models.TextField(
                    blank=True,
                    help_text="The file's text until the first rows are imported; columns not matched are not kept.",
                ),
            ),
            ("mapping", models.JSONField(blank=True, default=dict, help_text="How this file was read.")),
            (
                "state",
                models.CharField(
                    choices=[
                        ("matching", "Columns to match"),
                        ("reading", "Being read"),
                        ("checking", "Being checked"),
                        ("review", "To review"),
                        ("importing", "Being imported"),
                        ("done", "Every row settled"),
                        ("cancelled", "Cancelled"),
                    ],
                    max_length=10,
                ),
            ),
            ("uploaded_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("uploaded_at", models.DateTimeField()),
            (
                "result_count",
                models.PositiveIntegerField(
                    blank=True, help_text="Results that the file holds; known once its columns are matched.", null=True
                ),
            ),
            (
                "accepted_by",
                link(
                    settings.AUTH_USER_MODEL,
                    blank=True,
                    help_text="In whose name a job imports the rows of a large file.",
                    null=True,
                ),
            ),
            ("accepted_at", models.DateTimeField(blank=True, null=True)),
            (
                "stopped_because",
                models.CharField(
                    blank=True, help_text="Why a job ended before every good row was imported.", max_length=300
                ),
            ),
        ],
        options={
            "ordering": ["-id"],
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("state", "cancelled"), _negated=True),
                    fields=("laboratory", "sha256"),
                    name="labimport_same_file_once",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("state__in", ["matching", "reading", "checking", "review"]), ("content", ""), _connector="OR"
                    ),
                    name="labimport_text_is_forgotten_at_the_end",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("source", "csv"), ("token", None)),
                        models.Q(models.Q(("source", "csv"), _negated=True), ("token__isnull", False)),
                        _connector="OR",
                    ),
                    name="labimport_message_was_sent_with_a_token",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("accepted_at", None), ("accepted_by", None)),
                        models.Q(("accepted_at__isnull", False), ("accepted_by__isnull", False)),
                        _connector="OR",
                    ),
                    name="labimport_accepted_by_whom_and_when",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("state", "importing"), _negated=True), ("accepted_at__isnull", False), _connector="OR"
                    ),
                    name="labimport_is_imported_in_a_name",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="ImportRow",
        fields=[
            ("id", row_id()),
            ("site", link("trialsite.site")),
            ("lab_import", link("labs.labimport", related_name="rows")),
            ("place", models.PositiveIntegerField(help_text="Counted from 1 in the order of the file.")),
            ("line", models.PositiveIntegerField(help_text="Row of the file, the heading is row 1.")),
            ("received", models.JSONField(help_text="What the matched columns said, as text.")),
            ("fixes", models.JSONField(blank=True, default=dict, help_text="What a person put in place of it.")),
            ("subject", link("trialsite.subject", blank=True, null=True)),
            ("analyte", models.CharField(blank=True, max_length=30)),
            ("collected_on", models.DateField(blank=True, null=True)),
            (
                "visit_code",
                models.CharField(blank=True, help_text="Where it belongs; uns for a new visit.", max_length=6),
            ),
            (
                "disposition",
                models.CharField(
                    choices=[
                        ("new", "New"),
                        ("unchanged", "Already recorded"),
                        ("corrected", "Changed"),
                        ("conflicting", "Conflicting"),
                        ("rejected", "Rejected"),
                    ],
                    max_length=12,
                ),
            ),
            ("field", models.CharField(blank=True, help_text="What has to be mended.", max_length=12)),
            ("words", models.CharField(blank=True, help_text="Why, in a sentence.", max_length=400)),
            ("would_save", models.CharField(blank=True, help_text="The result as it is understood.", max_length=80)),
            ("recorded", models.CharField(blank=True, help_text="What is recorded in its place.", max_length=80)),
            (
                "decision",
                models.CharField(
                    blank=True,
                    choices=[("replace", "Replace"), ("keep", "Keep"), ("leave_out", "Leave out")],
                    max_length=10,
                ),
            ),
            ("decision_reason", models.CharField(blank=True, max_length=200)),
            ("result", link("labs.labresult", blank=True, null=True)),
            ("settled_by", link(settings.AUTH_USER_MODEL, blank=True, null=True)),
            ("settled_at", models.DateTimeField(blank=True, null=True)),
        ],
        options={
            "ordering": ["place"],
            "indexes": [
                models.Index(
                    models.F("lab_import"),
                    django.db.models.fields.json.KeyTextTransform(
                        "accession", django.db.models.fields.json.KeyTextTransform("parts", "received")
                    ),
                    name="importrow_by_accession",
                )
            ],
            "constraints": [
                models.UniqueConstraint(fields=("lab_import", "place"), name="importrow_place_once"),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("decision", "replace"), _negated=True),
                        models.Q(("decision_reason", ""), _negated=True),
                        _connector="OR",
                    ),
                    name="importrow_replaced_with_a_reason",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("settled_at", None),
                        models.Q(("disposition", "rejected"), _negated=True),
                        ("decision", "leave_out"),
                        _connector="OR",
                    ),
                    name="importrow_rejected_is_left_out_or_waits",
                ),
            ],
        },
    ),
]


class Migration(migrations.Migration):
    replaces = [
        ("labs", name)
        for name in (
            "0001_initial",
            "0003_laboratory_files",
            "0005_laboratory_messages",
            "0007_large_files",
            "0003_standing_results",
        )
    ]
    initial = True
    dependencies = [("trialsite", "0002_tables")]
    operations = [CreateTables(TABLES)]
