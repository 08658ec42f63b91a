"""Confirmations and activations that were withdrawn say so at every site; a withdrawn version can be activated again."""

from django.db import migrations, models

#: The tables stay add-only but for the two columns that say it.
RIGHTS = ";".join(
    f"GRANT UPDATE (withdrawn_at, withdrawn_reason) ON {table} TO edc_app"
    for table in ("trialsite_parameterconfirmation", "trialsite_protocolactivation")
)


class Migration(migrations.Migration):
    dependencies = [("trialsite", "0021_source_verification_guards")]

    operations = [
        *(
            migrations.AddField(model_name=model, name=name, field=field)
            for model in ("parameterconfirmation", "protocolactivation")
            for name, field in (
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                ("withdrawn_reason", models.CharField(blank=True, max_length=300)),
            )
        ),
        migrations.AlterField(model_name="protocolactivation", name="version", field=models.CharField(max_length=20)),
        migrations.AddConstraint(
            model_name="parameterconfirmation",
            constraint=models.CheckConstraint(
                condition=models.Q(withdrawn_at=None) | ~models.Q(withdrawn_reason=""),
                name="parameterconfirmation_withdrawn_with_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="protocolactivation",
            constraint=models.UniqueConstraint(
                fields=["version"], condition=models.Q(withdrawn_at=None), name="protocolactivation_each_version_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="protocolactivation",
            constraint=models.CheckConstraint(
                condition=models.Q(withdrawn_at=None) | ~models.Q(withdrawn_reason=""),
                name="protocolactivation_withdrawn_with_a_reason",
            ),
        ),
        migrations.RunSQL(RIGHTS, migrations.RunSQL.noop),
    ]
