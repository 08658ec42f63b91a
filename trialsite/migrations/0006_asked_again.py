"""When somebody had failed work tried again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("trialsite", "0005_lock_rules")]

    operations = [
        migrations.AddField(
            "outboxmessage",
            "asked_again_at",
            models.DateTimeField(blank=True, help_text="When somebody had it tried again.", null=True),
        ),
        migrations.AlterField(
            "outboxmessage",
            "last_error",
            models.CharField(blank=True, help_text="Kind and place of the error, no value.", max_length=500),
        ),
    ]
