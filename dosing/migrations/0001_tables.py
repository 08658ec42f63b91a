"""The tables of dosing."""

from django.conf import settings
from django.db import migrations, models

from trialsite.tables import CreateTables, link, row_id

TABLES = [
    migrations.CreateModel(
        name="PhaseProposal",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("made_at", models.DateTimeField()),
            ("as_of", models.DateField()),
            ("assessment", link("labs.responseassessment", null=True)),
            ("from_state", models.CharField(max_length=20)),
            ("kind", models.CharField(max_length=40)),
            ("to_phase", models.CharField(blank=True, max_length=20)),
            ("rule", models.CharField(max_length=20)),
            ("words", models.TextField()),
            ("detail", models.JSONField()),
            ("fingerprint", models.CharField(max_length=64)),
            (
                "status",
                models.CharField(
                    choices=[
                        ("pending", "Waiting for the investigator"),
                        ("superseded", "Superseded"),
                        ("decided", "Decided"),
                    ],
                    max_length=10,
                ),
            ),
        ],
        options={
            "ordering": ["id"],
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("status", "pending")),
                    fields=("subject",),
                    name="proposal_one_pending_per_subject",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="PhaseDecision",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            (
                "proposal",
                models.OneToOneField(on_delete=models.PROTECT, related_name="decision", to="dosing.phaseproposal"),
            ),
            ("choice", models.CharField(choices=[("agree", "Agree"), ("override", "Disagree")], max_length=8)),
            ("to_phase", models.CharField(max_length=20)),
            ("starts_on", models.DateField()),
            (
                "response",
                models.CharField(blank=True, help_text="The response that the investigator states.", max_length=4),
            ),
            ("reason", models.CharField(blank=True, max_length=500)),
            ("snapshot", models.JSONField()),
            ("decided_by", link(settings.AUTH_USER_MODEL)),
            ("decided_at", models.DateTimeField()),
            ("signature", models.OneToOneField(on_delete=models.PROTECT, related_name="+", to="trialsite.signature")),
        ],
        options={
            "ordering": ["id"],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("choice", "agree"), models.Q(("reason", ""), _negated=True), _connector="OR"),
                    name="decision_override_has_a_reason",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="AssignmentDiscrepancy",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("decision", link("dosing.phasedecision", related_name="discrepancies")),
            ("found_at", models.DateTimeField()),
            ("was", models.JSONField()),
            ("now", models.JSONField()),
            ("resolved_at", models.DateTimeField(blank=True, null=True)),
            ("resolved_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("resolution", models.CharField(blank=True, max_length=500)),
        ],
        options={
            "ordering": ["id"],
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("resolved_at", None)),
                    fields=("decision",),
                    name="discrepancy_one_open_per_decision",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="DoseRecord",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("drug", models.CharField(max_length=20)),
            ("on", models.DateField()),
            (
                "status",
                models.CharField(choices=[("TAKEN", "Taken"), ("MISSED", "Missed"), ("HELD", "Held")], max_length=6),
            ),
            ("planned_mg", models.DecimalField(decimal_places=2, max_digits=7)),
            ("given_mg", models.DecimalField(decimal_places=2, max_digits=7)),
            ("reason", models.CharField(blank=True, help_text="Why missed or held, or why changed.", max_length=300)),
            ("version", models.PositiveSmallIntegerField(default=1)),
            ("recorded_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("recorded_at", models.DateTimeField()),
            ("superseded_at", models.DateTimeField(blank=True, help_text="Set by a correction or an undo.", null=True)),
        ],
        options={
            "ordering": ["on", "id"],
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("superseded_at", None)),
                    fields=("subject", "drug", "on"),
                    name="dose_one_current_per_day_and_drug",
                ),
                models.UniqueConstraint(fields=("subject", "drug", "on", "version"), name="dose_version_once"),
                models.CheckConstraint(
                    condition=models.Q(("status", "TAKEN"), models.Q(("reason", ""), _negated=True), _connector="OR"),
                    name="dose_not_taken_has_a_reason",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="DoseModification",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("drug", models.CharField(max_length=20)),
            (
                "action",
                models.CharField(choices=[("HOLD", "Hold"), ("REDUCE", "Reduce"), ("STOP", "Stop")], max_length=6),
            ),
            ("starts_on", models.DateField()),
            ("ends_on", models.DateField(blank=True, help_text="Last day; empty while it lasts.", null=True)),
            (
                "mg",
                models.DecimalField(
                    blank=True, decimal_places=2, help_text="Reduced dose, mg.", max_digits=7, null=True
                ),
            ),
            ("reason", models.CharField(max_length=300)),
            (
                "event",
                link(
                    "safety.adverseevent",
                    blank=True,
                    help_text="Adverse event that the order answers, if it is one.",
                    null=True,
                ),
            ),
            ("recorded_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("recorded_at", models.DateTimeField()),
            ("in_error_at", models.DateTimeField(blank=True, null=True)),
            ("in_error_reason", models.CharField(blank=True, max_length=300)),
        ],
        options={
            "ordering": ["starts_on", "id"],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("ends_on", None), ("ends_on__gte", models.F("starts_on")), _connector="OR"),
                    name="modification_ends_after_it_starts",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("action", "REDUCE"), ("mg__isnull", False)),
                        models.Q(models.Q(("action", "REDUCE"), _negated=True), ("mg", None)),
                        _connector="OR",
                    ),
                    name="modification_reduces_to_a_dose",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("in_error_at", None), models.Q(("in_error_reason", ""), _negated=True), _connector="OR"
                    ),
                    name="modification_in_error_has_a_reason",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="DrugLot",
        fields=[
            ("id", row_id()),
            ("site", link("trialsite.site")),
            ("drug", models.CharField(max_length=20)),
            ("lot", models.CharField(help_text="As printed on the package.", max_length=40)),
            ("unit_mg", models.DecimalField(decimal_places=2, help_text="What one unit holds, mg.", max_digits=6)),
            ("expires_on", models.DateField()),
            ("recorded_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("recorded_at", models.DateTimeField()),
        ],
        options={
            "ordering": ["drug", "expires_on", "id"],
            "constraints": [
                models.UniqueConstraint(fields=("site", "drug", "lot", "unit_mg"), name="druglot_once_per_site"),
                models.CheckConstraint(condition=models.Q(("unit_mg__gt", 0)), name="druglot_unit_holds_something"),
            ],
        },
    ),
    migrations.CreateModel(
        name="DrugMovement",
        fields=[
            ("id", row_id()),
            ("site", link("trialsite.site")),
            ("lot", link("dosing.druglot", related_name="movements")),
            ("subject", link("trialsite.subject", blank=True, null=True)),
            (
                "kind",
                models.CharField(
                    choices=[
                        ("received", "Received"),
                        ("dispensed", "Dispensed"),
                        ("returned", "Returned"),
                        ("destroyed", "Destroyed from stock"),
                        ("return_destroyed", "Destroyed after return"),
                    ],
                    max_length=16,
                ),
            ),
            ("units", models.PositiveIntegerField()),
            ("on", models.DateField()),
            ("note", models.CharField(blank=True, max_length=300)),
            ("recorded_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("recorded_at", models.DateTimeField()),
            ("in_error_at", models.DateTimeField(blank=True, null=True)),
            ("in_error_reason", models.CharField(blank=True, max_length=300)),
        ],
        options={
            "ordering": ["on", "id"],
            "constraints": [
                models.CheckConstraint(condition=models.Q(("units__gt", 0)), name="drugmovement_moves_something"),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("kind__in", ["dispensed", "returned"]), ("subject__isnull", False)),
                        models.Q(models.Q(("kind__in", ["dispensed", "returned"]), _negated=True), ("subject", None)),
                        _connector="OR",
                    ),
                    name="drugmovement_names_the_subject",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("in_error_at", None), models.Q(("in_error_reason", ""), _negated=True), _connector="OR"
                    ),
                    name="drugmovement_in_error_has_a_reason",
                ),
            ],
        },
    ),
]


class Migration(migrations.Migration):
    replaces = [
        ("dosing", name)
        for name in (
            "0001_initial",
            "0003_supplies",
            "0005_modifications",
            "0007_order_for_an_event",
        )
    ]
    initial = True
    dependencies = [("labs", "0001_tables"), ("safety", "0001_tables"), ("trialsite", "0002_tables")]
    operations = [CreateTables(TABLES)]
