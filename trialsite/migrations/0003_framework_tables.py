"""The cache table, and the application's rights on the framework's own tables."""

from django.db import migrations

from trialsite.guarding import guard, script


class Migration(migrations.Migration):
    dependencies = [
        ("trialsite", "0002_audit_and_guards"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("mfa", "0003_authenticator_type_uniq"),
        ("sessions", "0001_initial"),
    ]

    operations = [
        script("open_tables.sql"),
        *guard("mfa_authenticator", scope="open", secret=("data",)),
    ]
