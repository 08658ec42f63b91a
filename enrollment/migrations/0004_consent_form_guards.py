"""Audit, row level security and rights of the versions of the consent form."""

from django.db import migrations

from trialsite.guarding import guard, tie_to_parents

TABLES = ("enrollment_consentform",)


class Migration(migrations.Migration):
    dependencies = [("enrollment", "0003_consent_forms"), ("trialsite", "0012_consent_gap_guards")]

    operations = [*guard(*TABLES), *tie_to_parents(*TABLES)]
