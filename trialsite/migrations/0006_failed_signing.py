"""Wrong attempts to sign."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from trialsite.guarding import guard


class Migration(migrations.Migration):
    dependencies = [("trialsite", "0005_access_by_system")]

    operations = [
        migrations.CreateModel(
            name="FailedSigning",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("what", models.CharField(help_text="Address of the page.", max_length=200)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "indexes": [models.Index(fields=["user", "at"], name="trialsite_f_user_id_0e467a_idx")],
            },
        ),
        *guard("trialsite_failedsigning", scope="open", rights="add"),
    ]
