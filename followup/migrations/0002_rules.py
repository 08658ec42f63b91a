"""Audit, row level security and rights of the tables of followup."""

from django.db import migrations

from trialsite.guarding import guard, tie_to_parents

TABLES = (
    "followup_endoftreatment",
    "followup_departure",
    "followup_followupcontact",
    "followup_reminder",
)


class Migration(migrations.Migration):
    replaces = [("followup", name) for name in ("0002_guards",)]
    dependencies = [("followup", "0001_tables"), ("trialsite", "0003_rules")]

    operations = [*guard(*TABLES), *tie_to_parents(*TABLES)]
