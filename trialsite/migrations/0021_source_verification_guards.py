"""Audit, row level security and rights of source data verifications; both tables only grow."""

from django.db import migrations

from trialsite.guarding import guard, tie_to_parents

TABLES = ("trialsite_sourceverification", "trialsite_sourceverificationwithdrawal")


class Migration(migrations.Migration):
    dependencies = [("trialsite", "0020_source_verification")]

    operations = [*guard(*TABLES, rights="add"), *tie_to_parents(*TABLES)]
