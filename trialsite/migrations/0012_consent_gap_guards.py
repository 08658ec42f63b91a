"""Audit, row level security and rights of the times that consent does not cover."""

from django.db import migrations

from trialsite.guarding import guard, tie_to_parents

TABLES = ("trialsite_consentgap",)


class Migration(migrations.Migration):
    dependencies = [("trialsite", "0011_consent_gap")]

    operations = [*guard(*TABLES), *tie_to_parents(*TABLES)]
