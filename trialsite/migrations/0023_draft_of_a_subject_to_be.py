"""A draft of the form that makes a subject has none yet; site and person guard it as before."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("trialsite", "0022_withdrawn_for_every_site")]

    operations = [
        migrations.AlterField(
            model_name="draft",
            name="subject",
            field=models.ForeignKey(
                blank=True,
                help_text="Empty where the form is about to make the subject.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="trialsite.subject",
            ),
        ),
    ]
