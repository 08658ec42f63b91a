"""Persons, sites, and who may do what where and when."""

from __future__ import annotations

from typing import ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower


class Role(models.TextChoices):
    """A role has no meaning without a site and a time window (see Delegation)."""

    COORDINATOR = "coordinator", "Coordinator"
    INVESTIGATOR = "investigator", "Investigator"
    DATA_MANAGER = "data_manager", "Data manager"
    MONITOR = "monitor", "Monitor"
    ADMIN = "admin", "Administrator"
    STATISTICIAN = "statistician", "Statistician"


class User(AbstractBaseUser):
    """One named person. Accounts are deactivated, never deleted and never reused."""

    username = models.CharField(max_length=150)
    printed_name = models.CharField(max_length=200, help_text="As it is printed under a signature.")
    email = models.EmailField()
    is_active = models.BooleanField(default=True)
    single_keys = models.BooleanField(
        default=True, help_text="Shortcuts of one key work; the person may switch them off."
    )
    created_at = models.DateTimeField()
    deactivated_at = models.DateTimeField(null=True, blank=True)
    identity_verified_on = models.DateField(
        null=True, blank=True, help_text="When an administrator saw who this person is; needed to sign."
    )
    certified_on = models.DateField(
        null=True, blank=True, help_text="Date of the letter to the agency that covers this person; needed to sign."
    )

    objects: ClassVar[BaseUserManager[Self]] = BaseUserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["printed_name", "email"]

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("username"), name="user_username_once_whatever_the_case"),
            models.CheckConstraint(
                condition=models.Q(is_active=True, deactivated_at=None)
                | models.Q(is_active=False, deactivated_at__isnull=False),
                name="user_deactivated_has_a_time",
            ),
        ]

    def __str__(self) -> str:
        return self.printed_name


class Site(models.Model):
    """A place that treats subjects, or the coordinating centre whose roles reach over all sites."""

    code = models.CharField(max_length=2, unique=True, help_text="Two digits; 00 is the coordinating centre.")
    name = models.CharField(max_length=200)
    time_zone = models.CharField(max_length=64, default="UTC")
    phone = models.CharField(max_length=40, blank=True)
    is_coordinating_centre = models.BooleanField(default=False)
    opened_on = models.DateField()
    closed_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(closed_on=None) | models.Q(closed_on__gte=models.F("opened_on")),
                name="site_closes_after_it_opens",
            ),
            models.UniqueConstraint(
                fields=["is_coordinating_centre"],
                condition=models.Q(is_coordinating_centre=True),
                name="site_one_coordinating_centre",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Delegation(models.Model):
    """One line of the delegation log: this person holds this role at this site from then to then."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="delegations")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="delegations")
    role = models.CharField(max_length=20, choices=Role.choices)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True, help_text="Last day, inclusive.")
    granted_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    granted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_on=None) | models.Q(ends_on__gte=models.F("starts_on")),
                name="delegation_ends_after_it_starts",
            ),
            models.UniqueConstraint(
                fields=["user", "site", "role"],
                condition=models.Q(ends_on=None),
                name="delegation_one_open_line_per_role",
            ),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="delegation_known_role"),
        ]


class Training(models.Model):
    """A person was trained in one version of the protocol. At a treating site work with data begins with it."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="trainings")
    protocol_version = models.CharField(max_length=20)
    trained_on = models.DateField(help_text="Counts by the day of the site at which the person works.")
    evidence = models.CharField(max_length=300, help_text="Certificate or attendance list, and where it is filed.")
    recorded_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    in_error_at = models.DateTimeField(null=True, blank=True)
    in_error_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "protocol_version"],
                condition=models.Q(in_error_at=None),
                name="training_once_per_version",
            ),
            models.CheckConstraint(condition=~models.Q(evidence=""), name="training_has_evidence"),
            models.CheckConstraint(
                condition=models.Q(in_error_at=None) | ~models.Q(in_error_reason=""),
                name="training_in_error_has_a_reason",
            ),
        ]


class Invitation(models.Model):
    """A single-use link by which a person sets a password that nobody else ever knows."""

    class Purpose(models.TextChoices):
        JOIN = "join", "Join"
        RESET = "reset", "Reset password"

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="invitations")
    purpose = models.CharField(max_length=5, choices=Purpose.choices)
    token_digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the token in the link.")
    made_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("made_at")), name="invitation_expires_later"
            ),
        ]
