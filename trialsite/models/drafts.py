"""What a person has typed into a form and not yet saved."""

from django.db import models

from trialsite.models.people import User


class Draft(models.Model):
    """One person's unsaved entries on one page: no record, seen by nobody else, in no export, emptied when saved.

    The row stays when the draft ends, without what was typed: the application deletes nothing.
    """

    subject = models.ForeignKey(
        "trialsite.Subject",
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text="Empty where the form is about to make the subject.",
    )
    site = models.ForeignKey("trialsite.Site", on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    page = models.CharField(max_length=200, help_text="Address of the form.")
    content = models.JSONField(default=dict, help_text="Name of each box -> what stands in it, as typed.")
    saved_at = models.DateTimeField(null=True, blank=True, help_text="Empty once the draft has ended.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "page"], name="draft_one_per_person_and_page"),
            models.CheckConstraint(
                condition=models.Q(saved_at__isnull=False) | models.Q(content={}), name="draft_ended_is_empty"
            ),
        ]
