"""Drafts: of the own site and of the own person, for reading and for writing alike. Not audited.

Why not: what stands in a draft is no record. Nobody but its author can read it, no data set and no rule sees it, and
it becomes data by one act only, saving the form, which is audited like every other. An event every few seconds of
typing would bury the trail that a reader needs.
"""

from django.db import migrations
from django.db.migrations import RunSQL

from trialsite.guarding import guard, tie_to_parents

OWN = """
DO $$
DECLARE
    rule text := format('(%s) AND user_id = nullif(current_setting(''app.person'', true), '''')::bigint',
        edc_site_rule());
BEGIN
    EXECUTE format('ALTER POLICY by_site ON trialsite_draft USING (%s) WITH CHECK (%s)', rule, rule);
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("trialsite", "0013_drafts")]

    operations = [
        *guard("trialsite_draft", audit="exempt"),
        *tie_to_parents("trialsite_draft"),
        RunSQL(OWN, RunSQL.noop),
    ]
