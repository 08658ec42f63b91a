"""Drug accountability: lots and movements."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("dosing", "0002_guards"),
        ("trialsite", "0006_failed_signing"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DrugLot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("drug", models.CharField(max_length=20)),
                ("lot", models.CharField(help_text="As printed on the package.", max_length=40)),
                ("unit_mg", models.DecimalField(decimal_places=2, help_text="What one unit holds, mg.", max_digits=6)),
                ("expires_on", models.DateField()),
                ("recorded_at", models.DateTimeField()),
                (
                    "recorded_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="trialsite.site"
                    ),
                ),
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
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                ("recorded_at", models.DateTimeField()),
                ("in_error_at", models.DateTimeField(blank=True, null=True)),
                ("in_error_reason", models.CharField(blank=True, max_length=300)),
                (
                    "lot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="movements", to="dosing.druglot"
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="trialsite.site"
                    ),
                ),
                (
                    "subject",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="trialsite.subject",
                    ),
                ),
            ],
            options={
                "ordering": ["on", "id"],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("units__gt", 0)), name="drugmovement_moves_something"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind__in", ["dispensed", "returned"]), ("subject__isnull", False)),
                            models.Q(
                                models.Q(("kind__in", ["dispensed", "returned"]), _negated=True), ("subject", None)
                            ),
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
