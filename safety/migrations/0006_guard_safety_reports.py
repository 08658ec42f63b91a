"""Audit, row level security and rights of safety reports and of the steps of their clocks."""

from django.db import migrations

from trialsite.guarding import guard, tie_to_parents

TABLES = ("safety_safetyreport", "safety_clockescalation")


class Migration(migrations.Migration):
    dependencies = [("safety", "0005_safety_reports")]

    operations = [
        *guard("safety_safetyreport"),
        *guard("safety_clockescalation", rights="add"),
        *tie_to_parents(*TABLES),
    ]
