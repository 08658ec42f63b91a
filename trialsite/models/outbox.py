"""Messages that leave in the same transaction as the data they speak of, and the mail that follows."""

from django.db import models

from trialsite.models.people import Site, User
from trialsite.models.subjects import Subject


class OutboxMessage(models.Model):
    """Something happened. Handled exactly once in effect: the handler and `done_at` share a transaction."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(
        Subject, null=True, on_delete=models.PROTECT, related_name="+", help_text="Empty for news of a whole site."
    )
    kind = models.CharField(max_length=40)
    payload = models.JSONField(default=dict)
    published_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    last_error = models.CharField(max_length=500, blank=True, help_text="Kind and place of the error, no value.")
    asked_again_at = models.DateTimeField(null=True, blank=True, help_text="When somebody had it tried again.")
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["next_attempt_at"], condition=models.Q(done_at=None), name="outbox_waiting")]


class Mail(models.Model):
    """A message to one person, what caused it, and when it left. `key` makes it unique."""

    key = models.CharField(max_length=120, unique=True)
    site = models.ForeignKey(Site, null=True, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(Subject, null=True, on_delete=models.PROTECT, related_name="+")
    recipient = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    address = models.EmailField()
    heading = models.CharField(max_length=200)
    body = models.TextField()
    why = models.CharField(max_length=300)
    queued_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    last_error = models.CharField(max_length=500, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    skipped_at = models.DateTimeField(null=True, blank=True, help_text="It will not be sent.")
    skipped_because = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["next_attempt_at"], condition=models.Q(sent_at=None), name="mail_waiting")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(skipped_at=None, skipped_because="")
                | (models.Q(skipped_at__isnull=False) & ~models.Q(skipped_because="")),
                name="mail_skipped_says_why",
            ),
        ]

    @property
    def time_zone(self) -> str:
        """The zone in which its times are told: the site's, UTC for mail that belongs to no site."""
        return self.site.time_zone if self.site else "UTC"


class Submission(models.Model):
    """A form's single-use token: a double click, a retry or the back button finds the first outcome."""

    token = models.UUIDField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    outcome = models.CharField(max_length=300, help_text="What the first submission made.")
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of what the form was sent with.")
    led_to = models.CharField(max_length=300, blank=True, help_text="Address of the page after the first submission.")
