"""Audit, row level security and rights of waivers."""

from django.db import migrations

from trialsite.guarding import guard, tie_to_parents

TABLES = ("enrollment_waiver",)


class Migration(migrations.Migration):
    dependencies = [("enrollment", "0005_waivers")]

    operations = [*guard(*TABLES), *tie_to_parents(*TABLES)]
