"""A withdrawal in screening states its scope, as a later one does."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("enrollment", "0006_waiver_guards")]

    operations = [
        migrations.AddField(
            model_name="screenfailure",
            name="passive_follow_up_allowed",
            field=models.BooleanField(
                blank=True, help_text="Scope of a withdrawal: may public records still be followed?", null=True
            ),
        ),
    ]
