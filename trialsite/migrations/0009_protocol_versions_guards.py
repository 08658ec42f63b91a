"""Audit, row level security and rights of protocol versions; subjects of before are on the version they began with."""

from django.db import migrations

from trialsite.guarding import guard, tie_to_parents

#: As the installation itself; the day of screening is the day of the first consent.
BEGIN = """
SELECT set_config('app.system_actor', 'installation', true), set_config('app.source', 'migration', true);
INSERT INTO trialsite_protocolperiod (subject_id, site_id, version, starts_on, because, recorded_at)
SELECT id, site_id, protocol_version, screened_on, 'Screened', created_at FROM trialsite_subject ORDER BY id;
SELECT set_config('app.system_actor', '', true), set_config('app.source', '', true);
"""


class Migration(migrations.Migration):
    dependencies = [("trialsite", "0008_protocol_versions")]

    operations = [
        *guard("trialsite_protocolactivation", scope="open", rights="add"),
        *guard("trialsite_protocolperiod", rights="add"),
        *tie_to_parents("trialsite_protocolperiod"),
        migrations.RunSQL(BEGIN, migrations.RunSQL.noop),
    ]
