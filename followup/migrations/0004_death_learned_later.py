"""A death that is learned later stands beside the withdrawal or the loss that came before it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("followup", "0003_entered_in_error")]

    operations = [
        migrations.RemoveConstraint(model_name="departure", name="departure_once_per_subject"),
        migrations.AddConstraint(
            model_name="departure",
            constraint=models.UniqueConstraint(
                condition=models.Q(("in_error_at", None)),
                fields=("subject", "kind"),
                name="departure_of_a_kind_once_per_subject",
            ),
        ),
    ]
