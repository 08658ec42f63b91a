"""What a form was sent with, and which page it led to."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("trialsite", "0005_lock_rules")]

    operations = [
        migrations.AddField(
            "submission",
            "digest",
            models.CharField(
                blank=True, default="", help_text="SHA-256 of what the form was sent with.", max_length=64
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            "submission",
            "led_to",
            models.CharField(
                blank=True, default="", help_text="Address of the page after the first submission.", max_length=300
            ),
            preserve_default=False,
        ),
        migrations.AlterField(
            "submission",
            "outcome",
            models.CharField(help_text="What the first submission made.", max_length=300),
        ),
    ]
