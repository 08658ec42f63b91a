"""Audit, row level security and rights of adverse events and judged grades."""

from django.db import migrations

from trialsite.guarding import guard, tie_to_parents

TABLES = ("safety_adverseevent", "safety_gradejudgement")


class Migration(migrations.Migration):
    dependencies = [("safety", "0003_adverse_events")]

    operations = [
        *guard("safety_adverseevent"),
        *guard("safety_gradejudgement", rights="add"),
        *tie_to_parents(*TABLES),
    ]
