"""A medication entered in error says since when it does not count, so that a past day can be read as it was known."""

from django.db import migrations, models

#: Entries marked before: the time of the mark, from the audit trail. Only the role that keeps the trail reads it here.
SINCE = """
DO $$
DECLARE
    marked jsonb;
BEGIN
    SET LOCAL ROLE edc_audit;
    SELECT jsonb_object_agg(row_id, at) INTO marked FROM (
        SELECT row_id, max(at) AS at FROM audit_event
        WHERE table_name = 'safety_concomitantmedication' AND op = 'UPDATE' AND new ? 'in_error' GROUP BY row_id
    ) AS marks;
    RESET ROLE;
    PERFORM set_config('app.system_actor', 'installation', true),
            set_config('app.reason', 'The time of the mark, from the audit trail', true);
    UPDATE safety_concomitantmedication
       SET in_error_at = coalesce((marked ->> id::text)::timestamptz, recorded_at) WHERE in_error;
    PERFORM set_config('app.system_actor', '', true), set_config('app.reason', '', true);
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("safety", "0012_judgements_taken_back")]

    operations = [
        migrations.AddField(
            model_name="concomitantmedication",
            name="in_error_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.RunSQL(SINCE, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="concomitantmedication",
            constraint=models.CheckConstraint(
                condition=models.Q(in_error=False, in_error_at=None)
                | models.Q(in_error=True, in_error_at__isnull=False),
                name="medication_in_error_says_since_when",
            ),
        ),
    ]
