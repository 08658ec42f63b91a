"""Queries: a question about one value, anchored to the version it was asked of."""

from django.db import models

from trialsite.models.base import SubjectRecord
from trialsite.models.people import User


class Query(SubjectRecord):
    class State(models.TextChoices):
        OPEN = "open", "Open"
        ANSWERED = "answered", "Answered"
        CLOSED = "closed", "Closed"

    visit_code = models.CharField(max_length=6, blank=True)
    record_type = models.CharField(max_length=40)
    record_id = models.BigIntegerField()
    item = models.CharField(max_length=40, help_text="The field, for lab results the analyte.")
    check_code = models.CharField(max_length=40, blank=True, help_text="Empty for a query asked by a person.")
    text = models.CharField(max_length=500)
    state = models.CharField(max_length=8, choices=State.choices)
    opened_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="closed", closed_at__isnull=False)
                | (~models.Q(state="closed") & models.Q(closed_at=None)),
                name="query_closed_has_a_time",
            ),
            models.UniqueConstraint(
                fields=["record_type", "record_id", "item", "check_code"],
                condition=~models.Q(check_code=""),
                name="query_one_per_check_and_version",
            ),
        ]


class QueryMessage(models.Model):
    """One line of the thread under a query."""

    class Action(models.TextChoices):
        OPENED = "opened", "Opened"
        ANSWERED = "answered", "Answered"
        CONFIRMED = "confirmed", "Confirmed as entered"
        CLOSED = "closed", "Closed"
        REOPENED = "reopened", "Reopened"
        ASKED = "asked", "Asked anew"

    query = models.ForeignKey(Query, on_delete=models.PROTECT, related_name="messages")
    site = models.ForeignKey("trialsite.Site", on_delete=models.PROTECT, related_name="+")
    action = models.CharField(max_length=10, choices=Action.choices)
    text = models.CharField(max_length=500)
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    by_name = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
