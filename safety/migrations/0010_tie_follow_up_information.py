"""Follow-up information belongs to the site of the report that it follows."""

from django.db import migrations
from django.db.migrations import RunSQL


class Migration(migrations.Migration):
    dependencies = [("safety", "0009_follow_up_information")]

    operations = [
        RunSQL(
            """
            ALTER TABLE safety_safetyreport ADD CONSTRAINT safetysafetyreport_follows_id_same_site
                FOREIGN KEY (follows_id, site_id) REFERENCES safety_safetyreport (id, site_id)
            """,
            RunSQL.noop,
        )
    ]
