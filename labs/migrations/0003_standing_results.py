"""An index for what stands of one subject."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("labs", "0002_rules")]

    operations = [
        migrations.AddIndex(
            model_name="labresult",
            index=models.Index(
                condition=models.Q(superseded_at=None), fields=["subject", "analyte"], name="labresult_standing"
            ),
        )
    ]
