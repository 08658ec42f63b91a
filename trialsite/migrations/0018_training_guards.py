"""Audit and rights of training records; they belong to a person, not to a site."""

from django.db import migrations

from trialsite.guarding import guard


class Migration(migrations.Migration):
    dependencies = [("trialsite", "0017_training")]

    operations = [*guard("trialsite_training", scope="open")]
