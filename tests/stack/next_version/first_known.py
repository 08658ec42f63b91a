"""A column filled from the audit trail, and a guarded table filled from rows: two ways to bring data on."""

from django.db import migrations, models

from trialsite.guarding import guard, tie_to_parents
from trialsite.tables import link, row_id

#: Only the role that keeps the trail reads it here; the change is audited as the installation's own.
FILL = """
DO $$
DECLARE
    known jsonb;
BEGIN
    SET LOCAL ROLE edc_audit;
    SELECT jsonb_object_agg(row_id, at) INTO known FROM audit_event
        WHERE table_name = 'safety_concomitantmedication' AND op = 'INSERT';
    RESET ROLE;
    PERFORM set_config('app.system_actor', 'installation', true), set_config('app.source', 'migration', true),
            set_config('app.reason', 'The time of the entry, from the audit trail', true);
    UPDATE safety_concomitantmedication SET first_known_at = (known ->> id::text)::timestamptz;
    INSERT INTO safety_firstknown (subject_id, site_id, at)
        SELECT subject_id, site_id, min(first_known_at) FROM safety_concomitantmedication GROUP BY subject_id, site_id;
    PERFORM set_config('app.system_actor', '', true), set_config('app.source', '', true),
            set_config('app.reason', '', true);
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("safety", "0002_rules")]

    operations = [
        migrations.AddField("concomitantmedication", "first_known_at", models.DateTimeField(null=True)),
        migrations.CreateModel(
            name="FirstKnown",
            fields=[
                ("id", row_id()),
                ("subject", link("trialsite.subject")),
                ("site", link("trialsite.site")),
                ("at", models.DateTimeField()),
            ],
        ),
        *guard("safety_firstknown"),
        *tie_to_parents("safety_firstknown"),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
