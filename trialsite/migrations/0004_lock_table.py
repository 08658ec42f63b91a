"""The table of freezing and locking; its rules come next, once its references stand."""

from django.conf import settings
from django.db import migrations, models

from trialsite.tables import link, row_id


class Migration(migrations.Migration):
    dependencies = [("trialsite", "0003_rules")]

    operations = [
        migrations.CreateModel(
            name="LockStep",
            fields=[
                ("id", row_id()),
                ("subject", link("trialsite.subject")),
                ("site", link("trialsite.site")),
                ("place", models.CharField(help_text="Visit, or the part of the record.", max_length=20)),
                ("number", models.PositiveIntegerField(help_text="Counts the steps of this place.")),
                (
                    "act",
                    models.CharField(
                        choices=[
                            ("freeze", "Frozen"),
                            ("release", "Freeze lifted"),
                            ("lock", "Locked"),
                            ("unlock", "Unlocked"),
                            ("ask", "Unlock asked for"),
                            ("decline", "Unlock declined"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("frozen", "Frozen"), ("locked", "Locked")],
                        help_text="How the place stands after this step.",
                        max_length=6,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=300)),
                (
                    "snapshot",
                    models.JSONField(blank=True, help_text="Every item of the place as it was locked.", null=True),
                ),
                ("digest", models.CharField(blank=True, help_text="SHA-256 of the snapshot.", max_length=64)),
                ("by", link(settings.AUTH_USER_MODEL)),
                ("by_name", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(fields=("subject", "place", "number"), name="lockstep_one_after_the_other"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("act__in", ["release", "unlock"]), ("state", "open")),
                            models.Q(("act", "freeze"), ("state", "frozen")),
                            models.Q(("act__in", ["lock", "ask", "decline"]), ("state", "locked")),
                            _connector="OR",
                        ),
                        name="lockstep_leads_to_its_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("act", "lock"), ("snapshot__isnull", False), models.Q(("digest", ""), _negated=True)
                            ),
                            models.Q(models.Q(("act", "lock"), _negated=True), ("digest", ""), ("snapshot", None)),
                            _connector="OR",
                        ),
                        name="lockstep_lock_keeps_a_snapshot",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("act__in", ["freeze", "lock"]), models.Q(("reason", ""), _negated=True), _connector="OR"
                        ),
                        name="lockstep_opening_has_a_reason",
                    ),
                ],
            },
        ),
    ]
