"""The tables of enrollment."""

from django.conf import settings
from django.db import migrations, models

from trialsite.tables import CreateTables, link, row_id

TABLES = [
    migrations.CreateModel(
        name="ConsentForm",
        fields=[
            ("id", row_id()),
            ("site", link("trialsite.site")),
            ("version", models.CharField(help_text="As printed on the form.", max_length=20)),
            ("approved_on", models.DateField(help_text="Approved by the site's ethics committee.")),
            ("effective_on", models.DateField(help_text="First day on which this version is used at the site.")),
            (
                "needs_reconsent",
                models.BooleanField(help_text="Subjects who consented to an older version consent again."),
            ),
            ("changes", models.CharField(help_text="What is new in this version, in a sentence.", max_length=500)),
            (
                "protocol_version",
                models.CharField(
                    blank=True,
                    help_text="Protocol version that consent to this form agrees to; empty if unchanged.",
                    max_length=20,
                ),
            ),
            ("entered_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("entered_at", models.DateTimeField()),
            ("in_error_at", models.DateTimeField(blank=True, null=True)),
            ("in_error_reason", models.CharField(blank=True, max_length=300)),
        ],
        options={
            "ordering": ["site", "effective_on", "id"],
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("in_error_at", None)),
                    fields=("site", "version"),
                    name="consentform_version_once",
                ),
                models.UniqueConstraint(
                    condition=models.Q(("in_error_at", None)),
                    fields=("site", "effective_on"),
                    name="consentform_one_per_day",
                ),
                models.CheckConstraint(
                    condition=models.Q(("effective_on__gte", models.F("approved_on"))),
                    name="consentform_in_force_after_approval",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("in_error_at", None), models.Q(("in_error_reason", ""), _negated=True), _connector="OR"
                    ),
                    name="consentform_in_error_has_a_reason",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Consent",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("form_version", models.CharField(max_length=20)),
            ("consented_on", models.DateField()),
            ("consented_time", models.TimeField(blank=True, null=True)),
            (
                "signed_by",
                models.CharField(
                    choices=[("subject", "The subject"), ("representative", "Legally authorised representative")],
                    default="subject",
                    max_length=14,
                ),
            ),
            (
                "obtained_by",
                link(settings.AUTH_USER_MODEL, help_text="Who explained the form and signed it.", null=True),
            ),
            ("is_adult", models.BooleanField(help_text="18 or older on the day of consent.")),
            (
                "another_person_because",
                models.CharField(
                    blank=True, help_text="Why this is not the other subject with the same particulars.", max_length=300
                ),
            ),
            ("recorded_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("recorded_at", models.DateTimeField()),
        ],
        options={
            "ordering": ["id"],
            "constraints": [
                models.UniqueConstraint(fields=("subject", "form_version"), name="consent_once_per_form_version")
            ],
        },
    ),
    migrations.CreateModel(
        name="ScreeningAnswer",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("item", models.CharField(max_length=40)),
            ("version", models.PositiveSmallIntegerField(default=1)),
            ("value", models.CharField(max_length=200)),
            ("evidence_on", models.DateField(blank=True, null=True)),
            ("reason", models.CharField(blank=True, max_length=300)),
            ("entered_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("entered_at", models.DateTimeField()),
            ("superseded_at", models.DateTimeField(blank=True, null=True)),
        ],
        options={
            "ordering": ["id"],
            "constraints": [
                models.UniqueConstraint(fields=("subject", "item", "version"), name="screeninganswer_version_once"),
                models.UniqueConstraint(
                    condition=models.Q(("superseded_at", None)),
                    fields=("subject", "item"),
                    name="screeninganswer_one_current",
                ),
                models.CheckConstraint(
                    condition=models.Q(("version", 1), models.Q(("reason", ""), _negated=True), _connector="OR"),
                    name="screeninganswer_change_has_a_reason",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="EligibilitySnapshot",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("computed_at", models.DateTimeField()),
            ("protocol_version", models.CharField(max_length=20)),
            ("fingerprint", models.CharField(max_length=64)),
            ("judgements", models.JSONField()),
            ("outcome", models.CharField(help_text="MET, NOT_MET or INDETERMINATE over all criteria.", max_length=13)),
            ("sent_by", link(settings.AUTH_USER_MODEL, null=True)),
            (
                "signature",
                models.OneToOneField(null=True, on_delete=models.PROTECT, related_name="+", to="trialsite.signature"),
            ),
        ],
        options={"ordering": ["id"]},
    ),
    migrations.CreateModel(
        name="Waiver",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("criterion", models.CharField(max_length=4)),
            ("judgement", models.JSONField(help_text="The row of the checklist when the waiver was asked for.")),
            ("fingerprint", models.CharField(help_text="Of the evidence of this criterion.", max_length=64)),
            ("reason", models.CharField(max_length=300)),
            ("requested_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("requested_at", models.DateTimeField()),
            (
                "decision",
                models.CharField(blank=True, choices=[("approved", "Approved"), ("refused", "Refused")], max_length=8),
            ),
            ("decision_reason", models.CharField(blank=True, max_length=300)),
            ("decided_by", link(settings.AUTH_USER_MODEL, blank=True, null=True)),
            ("decided_at", models.DateTimeField(blank=True, null=True)),
            (
                "signature",
                models.OneToOneField(
                    blank=True, null=True, on_delete=models.PROTECT, related_name="+", to="trialsite.signature"
                ),
            ),
        ],
        options={
            "ordering": ["id"],
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("decision", "")),
                    fields=("subject", "criterion"),
                    name="waiver_one_waiting_per_criterion",
                ),
                models.CheckConstraint(condition=models.Q(("reason", ""), _negated=True), name="waiver_has_a_reason"),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("decided_at", None), ("decision", ""), ("signature", None)),
                        models.Q(
                            ("decided_at__isnull", False),
                            ("signature__isnull", False),
                            models.Q(("decision", ""), _negated=True),
                            models.Q(("decision_reason", ""), _negated=True),
                        ),
                        _connector="OR",
                    ),
                    name="waiver_decision_is_signed_with_a_reason",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Registration",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            (
                "snapshot",
                models.OneToOneField(on_delete=models.PROTECT, related_name="+", to="enrollment.eligibilitysnapshot"),
            ),
            ("registered_on", models.DateField()),
            ("registered_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("registered_at", models.DateTimeField()),
        ],
        options={"constraints": [models.UniqueConstraint(fields=("subject",), name="registration_once_per_subject")]},
    ),
    migrations.CreateModel(
        name="ScreenFailure",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("failed_on", models.DateField()),
            (
                "criteria",
                models.JSONField(default=list, help_text="Ids of the criteria not met; empty if consent ended."),
            ),
            ("reason", models.CharField(max_length=300)),
            (
                "passive_follow_up_allowed",
                models.BooleanField(
                    blank=True, help_text="Scope of a withdrawal: may public records still be followed?", null=True
                ),
            ),
            ("recorded_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("recorded_at", models.DateTimeField()),
        ],
        options={"constraints": [models.UniqueConstraint(fields=("subject",), name="screenfailure_once_per_subject")]},
    ),
]


class Migration(migrations.Migration):
    replaces = [
        ("enrollment", name)
        for name in (
            "0001_initial",
            "0003_consent_forms",
            "0005_waivers",
            "0007_scope_of_withdrawal",
        )
    ]
    initial = True
    dependencies = [("trialsite", "0002_tables")]
    operations = [CreateTables(TABLES)]
