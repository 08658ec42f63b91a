"""Audit, row level security and rights of dose modifications."""

from django.db import migrations

from trialsite.guarding import guard, tie_to_parents


class Migration(migrations.Migration):
    dependencies = [("dosing", "0005_modifications")]

    operations = [*guard("dosing_dosemodification"), *tie_to_parents("dosing_dosemodification")]
