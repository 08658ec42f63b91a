"""What every clinical row has in common."""

from django.db import models


class SubjectRecord(models.Model):
    """A row about one subject at one site.

    The site is repeated on every row so that row level security can judge it without a join; a composite
    foreign key (subject, site), added by the migration, keeps it true.
    """

    subject = models.ForeignKey("trialsite.Subject", on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey("trialsite.Site", on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True
