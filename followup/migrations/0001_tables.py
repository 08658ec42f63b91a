"""The tables of followup."""

from django.conf import settings
from django.db import migrations, models

from trialsite.tables import CreateTables, link, row_id

TABLES = [
    migrations.CreateModel(
        name="EndOfTreatment",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("last_dose_on", models.DateField()),
            ("reason", models.CharField(max_length=40)),
            ("detail", models.CharField(blank=True, max_length=500)),
            ("signature", models.OneToOneField(on_delete=models.PROTECT, related_name="+", to="trialsite.signature")),
            ("recorded_by", link(settings.AUTH_USER_MODEL)),
            ("recorded_at", models.DateTimeField()),
            ("in_error_at", models.DateTimeField(blank=True, null=True)),
            ("in_error_reason", models.CharField(blank=True, max_length=300)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("in_error_at", None)), fields=("subject",), name="endoftreatment_one_standing"
                )
            ]
        },
    ),
    migrations.CreateModel(
        name="Departure",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            (
                "kind",
                models.CharField(
                    choices=[
                        ("WITHDRAWN", "Consent withdrawn"),
                        ("LOST", "Lost to follow-up"),
                        ("DEAD", "Died"),
                        ("OFF_STUDY", "Off study before the first dose"),
                    ],
                    max_length=10,
                ),
            ),
            ("on", models.DateField()),
            ("reason", models.CharField(max_length=500)),
            ("progression_before_treatment", models.BooleanField(default=False)),
            ("death_due_to_progression", models.BooleanField(blank=True, null=True)),
            ("passive_follow_up_allowed", models.BooleanField(blank=True, null=True)),
            ("recorded_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("recorded_at", models.DateTimeField()),
            ("in_error_at", models.DateTimeField(blank=True, null=True)),
            ("in_error_reason", models.CharField(blank=True, max_length=300)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("in_error_at", None)),
                    fields=("subject", "kind"),
                    name="departure_of_a_kind_once_per_subject",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("kind", "WITHDRAWN"), _negated=True),
                        ("passive_follow_up_allowed__isnull", False),
                        _connector="OR",
                    ),
                    name="departure_withdrawal_states_its_scope",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("kind", "DEAD"), _negated=True),
                        ("death_due_to_progression__isnull", False),
                        _connector="OR",
                    ),
                    name="departure_death_states_its_cause",
                ),
            ]
        },
    ),
    migrations.CreateModel(
        name="FollowUpContact",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("visit_code", models.CharField(max_length=6)),
            ("visit", link("trialsite.visit", null=True)),
            ("contacted_on", models.DateField()),
            ("method", models.CharField(max_length=20)),
            (
                "outcome",
                models.CharField(choices=[("reached", "Reached"), ("not_reached", "Could not reach")], max_length=11),
            ),
            ("alive", models.BooleanField(blank=True, null=True)),
            ("progressed", models.BooleanField(blank=True, null=True)),
            ("progressed_on", models.DateField(blank=True, null=True)),
            ("new_therapy", models.CharField(blank=True, max_length=120)),
            ("new_therapy_on", models.DateField(blank=True, null=True)),
            ("second_malignancy", models.CharField(blank=True, max_length=120)),
            ("comment", models.CharField(blank=True, max_length=500)),
            ("recorded_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("recorded_at", models.DateTimeField()),
            ("in_error_at", models.DateTimeField(blank=True, null=True)),
            ("in_error_reason", models.CharField(blank=True, max_length=300)),
        ],
        options={
            "ordering": ["contacted_on", "id"],
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("in_error_at", None), ("outcome", "reached")),
                    fields=("subject", "visit_code"),
                    name="contact_reached_once_per_visit",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Reminder",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("visit_code", models.CharField(max_length=6)),
            ("step_days", models.SmallIntegerField()),
            ("due_on", models.DateField(help_text="Day on which the step fell due.")),
            (
                "status",
                models.CharField(choices=[("sent", "Sent"), ("skipped", "Skipped"), ("void", "Void")], max_length=7),
            ),
            ("reason", models.CharField(max_length=200)),
            ("decided_at", models.DateTimeField()),
        ],
        options={
            "ordering": ["due_on", "id"],
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("status", "void"), _negated=True),
                    fields=("subject", "visit_code", "step_days"),
                    name="reminder_one_per_visit_and_step",
                )
            ],
        },
    ),
]


class Migration(migrations.Migration):
    replaces = [
        ("followup", name)
        for name in (
            "0001_initial",
            "0003_entered_in_error",
            "0004_death_learned_later",
        )
    ]
    initial = True
    dependencies = [("trialsite", "0002_tables")]
    operations = [CreateTables(TABLES)]
