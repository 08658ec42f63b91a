"""Audit, row level security and rights of the tokens of laboratories; a message's token is of its own site."""

from django.db import migrations

from trialsite.guarding import guard, tie_to_parents

TABLE = "labs_laboratorytoken"
SAME_SITE = (
    "ALTER TABLE labs_labimport ADD CONSTRAINT labslabimport_token_id_same_site "
    "FOREIGN KEY (token_id, site_id) REFERENCES labs_laboratorytoken (id, site_id)"
)


class Migration(migrations.Migration):
    dependencies = [("labs", "0005_laboratory_messages"), ("trialsite", "0002_audit_and_guards")]

    operations = [
        *guard(TABLE, silent=("last_used_at",), secret=("token_digest",)),
        *tie_to_parents(TABLE),
        migrations.RunSQL(SAME_SITE, migrations.RunSQL.noop),
    ]
