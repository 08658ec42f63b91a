"""Medication: how it is given, and dates of which a part may be unknown."""

from django.db import migrations, models
from django.db.models import F, Q

#: Each whole day as if it had been typed in words. The change is audited as the installation's own.
FILL = """
DO $$
BEGIN
    PERFORM set_config('app.system_actor', 'installation', true), set_config('app.source', 'migration', true),
            set_config('app.reason', 'Dates of medication may be known in part', true);
    UPDATE safety_concomitantmedication SET
        started = started_earliest::text, started_latest = started_earliest,
        started_typed = to_char(started_earliest, 'FMDD Mon YYYY'),
        stopped = coalesce(stopped_earliest::text, ''), stopped_latest = stopped_earliest,
        stopped_typed = coalesce(to_char(stopped_earliest, 'FMDD Mon YYYY'), '');
    PERFORM set_config('app.system_actor', '', true), set_config('app.source', '', true),
            set_config('app.reason', '', true);
END
$$
"""
ROUTES = [
    ("ORAL", "By mouth"),
    ("INTRAVENOUS", "Intravenous"),
    ("SUBCUTANEOUS", "Subcutaneous"),
    ("INTRAMUSCULAR", "Intramuscular"),
    ("RESPIRATORY", "Inhaled"),
    ("NASAL", "Nasal"),
    ("TOPICAL", "On the skin"),
    ("OPHTHALMIC", "In the eye"),
    ("RECTAL", "Rectal"),
    ("OTHER", "Another way"),
    ("UNKNOWN", "Unknown"),
]
NAME = "concomitantmedication"


def _text(name: str, **more: object) -> migrations.AddField:
    """A text that is empty in the rows that are there."""
    return migrations.AddField(NAME, name, models.CharField(default="", **more), preserve_default=False)


class Migration(migrations.Migration):
    dependencies = [("safety", "0002_rules")]

    operations = [
        migrations.RemoveConstraint(NAME, "medication_ends_after_it_starts"),
        migrations.RenameField(NAME, "started_on", "started_earliest"),
        migrations.RenameField(NAME, "ended_on", "stopped_earliest"),
        migrations.AlterModelOptions(NAME, {"ordering": ["started_earliest", "id"]}),
        _text("route", max_length=13, choices=ROUTES, blank=True, help_text="Empty where nobody said it."),
        _text("started", max_length=10, help_text="2025-03-12, 2025-03 or 2025."),
        _text("started_typed", max_length=40),
        _text("stopped", max_length=10, blank=True, help_text="Empty while it is taken."),
        _text("stopped_typed", max_length=40, blank=True),
        migrations.AddField(NAME, "started_latest", models.DateField(null=True)),
        migrations.AddField(NAME, "stopped_latest", models.DateField(null=True, blank=True)),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AlterField(NAME, "started_latest", models.DateField()),
        migrations.AddConstraint(
            NAME,
            models.CheckConstraint(
                condition=Q(started_earliest__lte=F("started_latest")), name="medication_start_in_order"
            ),
        ),
        migrations.AddConstraint(
            NAME,
            models.CheckConstraint(
                condition=Q(stopped="", stopped_earliest=None, stopped_latest=None)
                | (~Q(stopped="") & Q(stopped_earliest__lte=F("stopped_latest"))),
                name="medication_stop_in_order",
            ),
        ),
        migrations.AddConstraint(
            NAME,
            models.CheckConstraint(
                condition=Q(stopped_latest=None) | Q(stopped_latest__gte=F("started_earliest")),
                name="medication_may_stop_after_start",
            ),
        ),
    ]
