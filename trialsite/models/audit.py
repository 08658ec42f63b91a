"""Windows on the append-only audit tables. The database writes them; the application only reads."""

from django.db import models

from trialsite.models.people import Site, User
from trialsite.models.subjects import Subject


class AuditEvent(models.Model):
    """One insert, update or delete of one row, with field-level old and new values."""

    id = models.BigIntegerField(primary_key=True)
    chain = models.CharField(max_length=40)
    table = models.CharField(max_length=63, db_column="table_name")
    row_id = models.CharField(max_length=60)
    op = models.CharField(max_length=6)
    old = models.JSONField(null=True)
    new = models.JSONField(null=True)
    user_id = models.BigIntegerField(null=True)
    system_actor = models.CharField(max_length=60, null=True)
    actor_name = models.CharField(max_length=200)
    role = models.CharField(max_length=20)
    site_id = models.BigIntegerField(null=True)
    subject_id = models.BigIntegerField(null=True)
    reason = models.CharField(max_length=500)
    request_id = models.CharField(max_length=64)
    source = models.CharField(max_length=60)
    software = models.CharField(max_length=80)
    at = models.DateTimeField()
    transaction_at = models.DateTimeField()
    transaction_id = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "audit_event"
        ordering = ["id"]


class AuditLink(models.Model):
    """An event's place in its chain: number, hash of the link before, own hash."""

    event_id = models.BigIntegerField(primary_key=True)
    chain = models.CharField(max_length=40)
    seq = models.BigIntegerField()
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        managed = False
        db_table = "audit_link"


class AccessEntry(models.Model):
    """Who opened identifying data, or took an export away, and what exactly. A person, or a named system actor."""

    user = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    system_actor = models.CharField(max_length=60, blank=True)
    role = models.CharField(max_length=20)
    site = models.ForeignKey(Site, null=True, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(Subject, null=True, on_delete=models.PROTECT, related_name="+")
    what = models.CharField(max_length=120)
    rows = models.PositiveIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(user__isnull=False, system_actor="")
                | (models.Q(user=None) & ~models.Q(system_actor="")),
                name="accessentry_person_or_system",
            ),
        ]

    @property
    def who(self) -> str:
        """The printed name of the person, or the name of the system actor."""
        return self.user.printed_name if self.user else f"System: {self.system_actor}"
