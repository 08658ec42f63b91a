"""People, alone: the framework's own tables refer to them and are made before all others."""

import django.db.models.functions.text
from django.db import migrations, models

from trialsite.tables import row_id


class Migration(migrations.Migration):
    # The first and the last of before: both are there only where all are.
    replaces = [("trialsite", "0001_initial"), ("trialsite", "0023_draft_of_a_subject_to_be")]
    initial = True
    operations = [
        migrations.CreateModel(
            name="User",
            fields=[
                ("id", row_id()),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                ("username", models.CharField(max_length=150)),
                ("printed_name", models.CharField(help_text="As it is printed under a signature.", max_length=200)),
                ("email", models.EmailField(max_length=254)),
                ("is_active", models.BooleanField(default=True)),
                (
                    "single_keys",
                    models.BooleanField(
                        default=True, help_text="Shortcuts of one key work; the person may switch them off."
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("deactivated_at", models.DateTimeField(blank=True, null=True)),
                (
                    "identity_verified_on",
                    models.DateField(
                        blank=True, help_text="When an administrator saw who this person is; needed to sign.", null=True
                    ),
                ),
                (
                    "certified_on",
                    models.DateField(
                        blank=True,
                        help_text="Date of the letter to the agency that covers this person; needed to sign.",
                        null=True,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("username"), name="user_username_once_whatever_the_case"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("deactivated_at", None), ("is_active", True)),
                            models.Q(("deactivated_at__isnull", False), ("is_active", False)),
                            _connector="OR",
                        ),
                        name="user_deactivated_has_a_time",
                    ),
                ]
            },
        )
    ]
