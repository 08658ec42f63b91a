"""A grade judged not clinically significant can be taken back with a reason, and judged anew."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

MODELS = ("gradejudgement", "vitaljudgement")
#: The tables stay add-only but for the three columns that say it.
RIGHTS = ";".join(
    f"GRANT UPDATE (withdrawn_at, withdrawn_reason, withdrawn_by_id) ON safety_{model} TO edc_app" for model in MODELS
)
TAKEN_BACK = Q(withdrawn_at=None, withdrawn_by=None, withdrawn_reason="") | (
    Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False) & ~Q(withdrawn_reason="")
)


def _person() -> models.ForeignKey:
    return models.ForeignKey(
        blank=True,
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("safety", "0011_report_details"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        *(
            migrations.AddField(model_name=model, name=name, field=field)
            for model in MODELS
            for name, field in (
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                ("withdrawn_reason", models.CharField(blank=True, max_length=300)),
                ("withdrawn_by", _person()),
            )
        ),
        migrations.RemoveConstraint(model_name="gradejudgement", name="gradejudgement_once_per_result_and_term"),
        migrations.RemoveConstraint(model_name="vitaljudgement", name="vitaljudgement_once_per_visit_term_and_grade"),
        migrations.AddConstraint(
            model_name="gradejudgement",
            constraint=models.UniqueConstraint(
                fields=["lab_result", "term"],
                condition=Q(withdrawn_at=None),
                name="gradejudgement_one_standing_per_result_and_term",
            ),
        ),
        migrations.AddConstraint(
            model_name="vitaljudgement",
            constraint=models.UniqueConstraint(
                fields=["visit", "term", "grade"],
                condition=Q(withdrawn_at=None),
                name="vitaljudgement_one_standing_per_visit_term_and_grade",
            ),
        ),
        *(
            migrations.AddConstraint(
                model_name=model,
                constraint=models.CheckConstraint(condition=TAKEN_BACK, name=f"{model}_withdrawn_with_a_reason"),
            )
            for model in MODELS
        ),
        migrations.RunSQL(RIGHTS, migrations.RunSQL.noop),
    ]
