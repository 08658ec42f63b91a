"""Orders to hold, reduce or stop a drug."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("dosing", "0004_supplies_guards"),
        ("trialsite", "0006_failed_signing"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DoseModification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                ("recorded_at", models.DateTimeField()),
                ("in_error_at", models.DateTimeField(blank=True, null=True)),
                ("in_error_reason", models.CharField(blank=True, max_length=300)),
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
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="trialsite.subject"
                    ),
                ),
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
    ]
