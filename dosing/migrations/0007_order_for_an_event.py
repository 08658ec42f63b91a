"""An order says which adverse event it answers. Orders of before are read by the words that the form filled in."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.migrations import RunSQL

SAME_SITE = """
ALTER TABLE dosing_dosemodification ADD CONSTRAINT dosingdosemodification_event_id_same_site
    FOREIGN KEY (event_id, site_id) REFERENCES safety_adverseevent (id, site_id)
"""
#: As the installation itself.
READ = """
SELECT set_config('app.system_actor', 'installation', true), set_config('app.source', 'migration', true),
    set_config('app.reason', 'The order names the event in its reason', true);
UPDATE dosing_dosemodification AS m SET event_id = e.id FROM safety_adverseevent AS e
    WHERE e.subject_id = m.subject_id AND NOT e.in_error AND starts_with(m.reason, 'Adverse event ' || e.number || ':');
SELECT set_config('app.system_actor', '', true), set_config('app.source', '', true),
    set_config('app.reason', '', true);
"""


class Migration(migrations.Migration):
    dependencies = [("dosing", "0006_modifications_guards"), ("safety", "0012_judgements_taken_back")]

    operations = [
        migrations.AddField(
            model_name="dosemodification",
            name="event",
            field=models.ForeignKey(
                blank=True,
                help_text="Adverse event that the order answers, if it is one.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="safety.adverseevent",
            ),
        ),
        RunSQL(READ, RunSQL.noop),
        RunSQL(SAME_SITE, RunSQL.noop),
    ]
