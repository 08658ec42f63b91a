"""The tables of the spine."""

from django.conf import settings
from django.db import migrations, models

import trialsite.models.subjects
from trialsite.tables import CreateTables, link, row_id

TABLES = [
    migrations.CreateModel(
        name="Site",
        fields=[
            ("id", row_id()),
            (
                "code",
                models.CharField(help_text="Two digits; 00 is the coordinating centre.", max_length=2, unique=True),
            ),
            ("name", models.CharField(max_length=200)),
            ("time_zone", models.CharField(default="UTC", max_length=64)),
            ("phone", models.CharField(blank=True, max_length=40)),
            ("is_coordinating_centre", models.BooleanField(default=False)),
            ("opened_on", models.DateField()),
            ("closed_on", models.DateField(blank=True, null=True)),
        ],
        options={
            "ordering": ["code"],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("closed_on", None), ("closed_on__gte", models.F("opened_on")), _connector="OR"),
                    name="site_closes_after_it_opens",
                ),
                models.UniqueConstraint(
                    condition=models.Q(("is_coordinating_centre", True)),
                    fields=("is_coordinating_centre",),
                    name="site_one_coordinating_centre",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Delegation",
        fields=[
            ("id", row_id()),
            ("user", link(settings.AUTH_USER_MODEL, related_name="delegations")),
            ("site", link("trialsite.site", related_name="delegations")),
            (
                "role",
                models.CharField(
                    choices=[
                        ("coordinator", "Coordinator"),
                        ("investigator", "Investigator"),
                        ("data_manager", "Data manager"),
                        ("monitor", "Monitor"),
                        ("admin", "Administrator"),
                        ("statistician", "Statistician"),
                    ],
                    max_length=20,
                ),
            ),
            ("starts_on", models.DateField()),
            ("ends_on", models.DateField(blank=True, help_text="Last day, inclusive.", null=True)),
            ("granted_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("granted_at", models.DateTimeField()),
        ],
        options={
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("ends_on", None), ("ends_on__gte", models.F("starts_on")), _connector="OR"),
                    name="delegation_ends_after_it_starts",
                ),
                models.UniqueConstraint(
                    condition=models.Q(("ends_on", None)),
                    fields=("user", "site", "role"),
                    name="delegation_one_open_line_per_role",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        (
                            "role__in",
                            ["coordinator", "investigator", "data_manager", "monitor", "admin", "statistician"],
                        )
                    ),
                    name="delegation_known_role",
                ),
            ]
        },
    ),
    migrations.CreateModel(
        name="Training",
        fields=[
            ("id", row_id()),
            ("user", link(settings.AUTH_USER_MODEL, related_name="trainings")),
            ("protocol_version", models.CharField(max_length=20)),
            ("trained_on", models.DateField(help_text="Counts by the day of the site at which the person works.")),
            (
                "evidence",
                models.CharField(help_text="Certificate or attendance list, and where it is filed.", max_length=300),
            ),
            ("recorded_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("recorded_at", models.DateTimeField()),
            ("in_error_at", models.DateTimeField(blank=True, null=True)),
            ("in_error_reason", models.CharField(blank=True, max_length=300)),
        ],
        options={
            "ordering": ["id"],
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("in_error_at", None)),
                    fields=("user", "protocol_version"),
                    name="training_once_per_version",
                ),
                models.CheckConstraint(
                    condition=models.Q(("evidence", ""), _negated=True), name="training_has_evidence"
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("in_error_at", None), models.Q(("in_error_reason", ""), _negated=True), _connector="OR"
                    ),
                    name="training_in_error_has_a_reason",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Invitation",
        fields=[
            ("id", row_id()),
            ("user", link(settings.AUTH_USER_MODEL, related_name="invitations")),
            ("purpose", models.CharField(choices=[("join", "Join"), ("reset", "Reset password")], max_length=5)),
            (
                "token_digest",
                models.CharField(help_text="SHA-256 of the token in the link.", max_length=64, unique=True),
            ),
            ("made_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("made_at", models.DateTimeField()),
            ("expires_at", models.DateTimeField()),
            ("used_at", models.DateTimeField(blank=True, null=True)),
        ],
        options={
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("expires_at__gt", models.F("made_at"))), name="invitation_expires_later"
                )
            ]
        },
    ),
    migrations.CreateModel(
        name="Subject",
        fields=[
            ("id", row_id()),
            (
                "key",
                models.CharField(default=trialsite.models.subjects.new_key, editable=False, max_length=10, unique=True),
            ),
            ("site", link("trialsite.site", related_name="subjects")),
            ("screening_number", models.CharField(help_text="SS-Snnn", max_length=8, unique=True)),
            (
                "subject_number",
                models.CharField(
                    blank=True, help_text="SS-nnn, given at registration.", max_length=6, null=True, unique=True
                ),
            ),
            ("birth_year", models.PositiveSmallIntegerField()),
            ("sex", models.CharField(choices=[("F", "Female"), ("M", "Male")], max_length=1)),
            (
                "state",
                models.CharField(
                    choices=[
                        ("SCREENING", "SCREENING"),
                        ("SCREEN_FAILED", "SCREEN_FAILED"),
                        ("ENROLLED", "ENROLLED"),
                        ("INDUCTION", "INDUCTION"),
                        ("ANAKINRA_ONLY", "ANAKINRA_ONLY"),
                        ("LOW_DEX_7_12", "LOW_DEX_7_12"),
                        ("LOW_DEX_13_18", "LOW_DEX_13_18"),
                        ("HIGH_DEX", "HIGH_DEX"),
                        ("EXTENSION", "EXTENSION"),
                        ("FOLLOW_UP", "FOLLOW_UP"),
                        ("COMPLETED", "COMPLETED"),
                        ("WITHDRAWN", "WITHDRAWN"),
                        ("LOST", "LOST"),
                        ("DEAD", "DEAD"),
                        ("OFF_STUDY", "OFF_STUDY"),
                    ],
                    max_length=20,
                ),
            ),
            (
                "protocol_version",
                models.CharField(help_text="The version that judges; see ProtocolPeriod.", max_length=20),
            ),
            ("screened_on", models.DateField(help_text="Date of consent.")),
            (
                "consented_time",
                models.TimeField(blank=True, help_text="Time of consent on that day, at the site.", null=True),
            ),
            ("registered_on", models.DateField(blank=True, null=True)),
            ("day1_on", models.DateField(blank=True, help_text="Date of the first anakinra dose.", null=True)),
            ("treatment_ended_on", models.DateField(blank=True, help_text="Date of the last dose.", null=True)),
            (
                "new_therapy_on",
                models.DateField(blank=True, help_text="Start of the first other anti-myeloma therapy.", null=True),
            ),
            ("died_on", models.DateField(blank=True, null=True)),
            ("died_of_progression", models.BooleanField(blank=True, null=True)),
            ("entered_in_error_at", models.DateTimeField(blank=True, null=True)),
            ("created_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("created_at", models.DateTimeField()),
        ],
        options={
            "ordering": ["screening_number"],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("registered_on", None), ("subject_number", None)),
                        models.Q(("registered_on__isnull", False), ("subject_number__isnull", False)),
                        _connector="OR",
                    ),
                    name="subject_number_comes_with_registration",
                ),
                models.CheckConstraint(
                    condition=models.Q(("day1_on", None), ("day1_on__gte", models.F("registered_on")), _connector="OR"),
                    name="subject_treated_after_registration",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("treatment_ended_on", None), ("treatment_ended_on__gte", models.F("day1_on")), _connector="OR"
                    ),
                    name="subject_treatment_ends_after_day1",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="StatePeriod",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("state", models.CharField(max_length=20)),
            ("starts_on", models.DateField()),
            ("ends_on", models.DateField(blank=True, null=True)),
            ("because", models.CharField(max_length=300)),
            ("recorded_at", models.DateTimeField()),
        ],
        options={
            "ordering": ["id"],
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("ends_on", None)), fields=("subject",), name="stateperiod_one_open_per_subject"
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="ProtocolPeriod",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("version", models.CharField(max_length=20)),
            ("starts_on", models.DateField()),
            ("because", models.CharField(max_length=300)),
            ("recorded_at", models.DateTimeField()),
        ],
        options={
            "ordering": ["id"],
            "constraints": [
                models.UniqueConstraint(fields=("subject", "version"), name="protocolperiod_each_version_once")
            ],
        },
    ),
    migrations.CreateModel(
        name="ConsentGap",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("form_version", models.CharField(help_text="Version that the subject has to consent to.", max_length=20)),
            ("starts_on", models.DateField(help_text="First day on which that version is in force at the site.")),
            ("ends_on", models.DateField(blank=True, help_text="Date of the new consent.", null=True)),
            ("ends_time", models.TimeField(blank=True, help_text="Time of the new consent, at the site.", null=True)),
            ("opened_at", models.DateTimeField()),
        ],
        options={
            "ordering": ["id"],
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("ends_on", None)),
                    fields=("subject", "form_version"),
                    name="consentgap_one_open_per_version",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Visit",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            (
                "code",
                models.CharField(help_text="Protocol slot (scr, bl, m01 ... fu60) or uns1, uns2 ...", max_length=6),
            ),
            (
                "status",
                models.CharField(
                    choices=[
                        ("entered", "Entered"),
                        ("complete", "Complete"),
                        ("not_done", "Not done"),
                        ("in_error", "Entered in error"),
                    ],
                    max_length=10,
                ),
            ),
            ("occurred_on", models.DateField(blank=True, null=True)),
            ("reason", models.CharField(blank=True, help_text="Why not done, or why unscheduled.", max_length=300)),
            ("ecog", models.PositiveSmallIntegerField(blank=True, null=True)),
            ("weight_kg", models.DecimalField(blank=True, decimal_places=1, max_digits=4, null=True)),
            (
                "temperature_c",
                models.DecimalField(
                    blank=True,
                    decimal_places=1,
                    help_text="Body temperature, degrees Celsius.",
                    max_digits=3,
                    null=True,
                ),
            ),
            ("pulse", models.PositiveSmallIntegerField(blank=True, help_text="Beats per minute.", null=True)),
            ("systolic", models.PositiveSmallIntegerField(blank=True, help_text="Blood pressure, mmHg.", null=True)),
            ("diastolic", models.PositiveSmallIntegerField(blank=True, help_text="Blood pressure, mmHg.", null=True)),
            (
                "bedside_not_done",
                models.CharField(
                    blank=True, help_text="Why vital signs or ECOG that are empty were not done.", max_length=200
                ),
            ),
            ("recorded_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("recorded_at", models.DateTimeField()),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("status", "in_error"), _negated=True),
                    fields=("subject", "code"),
                    name="visit_once_per_slot",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("status__in", ["not_done", "in_error"]), ("occurred_on__isnull", False), _connector="OR"
                    ),
                    name="visit_that_took_place_has_a_date",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("status__in", ["not_done"]), _negated=True),
                        models.Q(("reason", ""), _negated=True),
                        _connector="OR",
                    ),
                    name="visit_not_done_has_a_reason",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("diastolic", None), ("systolic", None)),
                        ("diastolic__lt", models.F("systolic")),
                        _connector="OR",
                    ),
                    name="visit_blood_pressure_in_order",
                ),
            ]
        },
    ),
    migrations.CreateModel(
        name="AuditEvent",
        fields=[
            ("id", models.BigIntegerField(primary_key=True, serialize=False)),
            ("chain", models.CharField(max_length=40)),
            ("table", models.CharField(db_column="table_name", max_length=63)),
            ("row_id", models.CharField(max_length=60)),
            ("op", models.CharField(max_length=6)),
            ("old", models.JSONField(null=True)),
            ("new", models.JSONField(null=True)),
            ("user_id", models.BigIntegerField(null=True)),
            ("system_actor", models.CharField(max_length=60, null=True)),
            ("actor_name", models.CharField(max_length=200)),
            ("role", models.CharField(max_length=20)),
            ("site_id", models.BigIntegerField(null=True)),
            ("subject_id", models.BigIntegerField(null=True)),
            ("reason", models.CharField(max_length=500)),
            ("request_id", models.CharField(max_length=64)),
            ("source", models.CharField(max_length=60)),
            ("software", models.CharField(max_length=80)),
            ("at", models.DateTimeField()),
            ("transaction_at", models.DateTimeField()),
            ("transaction_id", models.BigIntegerField()),
        ],
        options={"db_table": "audit_event", "ordering": ["id"], "managed": False},
    ),
    migrations.CreateModel(
        name="AuditLink",
        fields=[
            ("event_id", models.BigIntegerField(primary_key=True, serialize=False)),
            ("chain", models.CharField(max_length=40)),
            ("seq", models.BigIntegerField()),
            ("previous", models.CharField(max_length=64)),
            ("hash", models.CharField(max_length=64)),
        ],
        options={"db_table": "audit_link", "managed": False},
    ),
    migrations.CreateModel(
        name="AccessEntry",
        fields=[
            ("id", row_id()),
            ("user", link(settings.AUTH_USER_MODEL, null=True)),
            ("system_actor", models.CharField(blank=True, max_length=60)),
            ("role", models.CharField(max_length=20)),
            ("site", link("trialsite.site", null=True)),
            ("subject", link("trialsite.subject", null=True)),
            ("what", models.CharField(max_length=120)),
            ("rows", models.PositiveIntegerField(null=True)),
            ("sha256", models.CharField(blank=True, max_length=64)),
            ("request_id", models.CharField(max_length=64)),
            ("at", models.DateTimeField()),
        ],
        options={
            "ordering": ["-id"],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("system_actor", ""), ("user__isnull", False)),
                        models.Q(("user", None), models.Q(("system_actor", ""), _negated=True)),
                        _connector="OR",
                    ),
                    name="accessentry_person_or_system",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Draft",
        fields=[
            ("id", row_id()),
            (
                "subject",
                link(
                    "trialsite.subject",
                    blank=True,
                    help_text="Empty where the form is about to make the subject.",
                    null=True,
                ),
            ),
            ("site", link("trialsite.site")),
            ("user", link(settings.AUTH_USER_MODEL)),
            ("page", models.CharField(help_text="Address of the form.", max_length=200)),
            ("content", models.JSONField(default=dict, help_text="Name of each box -> what stands in it, as typed.")),
            ("saved_at", models.DateTimeField(blank=True, help_text="Empty once the draft has ended.", null=True)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(fields=("user", "page"), name="draft_one_per_person_and_page"),
                models.CheckConstraint(
                    condition=models.Q(("saved_at__isnull", False), ("content", {}), _connector="OR"),
                    name="draft_ended_is_empty",
                ),
            ]
        },
    ),
    migrations.CreateModel(
        name="OutboxMessage",
        fields=[
            ("id", row_id()),
            ("site", link("trialsite.site")),
            ("subject", link("trialsite.subject", help_text="Empty for news of a whole site.", null=True)),
            ("kind", models.CharField(max_length=40)),
            ("payload", models.JSONField(default=dict)),
            ("published_at", models.DateTimeField()),
            ("attempts", models.PositiveSmallIntegerField(default=0)),
            ("next_attempt_at", models.DateTimeField()),
            (
                "last_error",
                models.CharField(blank=True, help_text="Kind and place of the error, no value.", max_length=500),
            ),
            (
                "asked_again_at",
                models.DateTimeField(blank=True, help_text="When somebody had it tried again.", null=True),
            ),
            ("done_at", models.DateTimeField(blank=True, null=True)),
        ],
        options={
            "ordering": ["id"],
            "indexes": [
                models.Index(condition=models.Q(("done_at", None)), fields=["next_attempt_at"], name="outbox_waiting")
            ],
        },
    ),
    migrations.CreateModel(
        name="Mail",
        fields=[
            ("id", row_id()),
            ("key", models.CharField(max_length=120, unique=True)),
            ("site", link("trialsite.site", null=True)),
            ("subject", link("trialsite.subject", null=True)),
            ("recipient", link(settings.AUTH_USER_MODEL)),
            ("address", models.EmailField(max_length=254)),
            ("heading", models.CharField(max_length=200)),
            ("body", models.TextField()),
            ("why", models.CharField(max_length=300)),
            ("queued_at", models.DateTimeField()),
            ("attempts", models.PositiveSmallIntegerField(default=0)),
            ("next_attempt_at", models.DateTimeField()),
            ("last_error", models.CharField(blank=True, max_length=500)),
            ("sent_at", models.DateTimeField(blank=True, null=True)),
            ("skipped_at", models.DateTimeField(blank=True, help_text="It will not be sent.", null=True)),
            ("skipped_because", models.CharField(blank=True, max_length=200)),
        ],
        options={
            "ordering": ["-id"],
            "indexes": [
                models.Index(condition=models.Q(("sent_at", None)), fields=["next_attempt_at"], name="mail_waiting")
            ],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("skipped_at", None), ("skipped_because", "")),
                        models.Q(("skipped_at__isnull", False), models.Q(("skipped_because", ""), _negated=True)),
                        _connector="OR",
                    ),
                    name="mail_skipped_says_why",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Submission",
        fields=[
            ("token", models.UUIDField(primary_key=True, serialize=False)),
            ("user", link(settings.AUTH_USER_MODEL)),
            ("made_at", models.DateTimeField()),
            ("outcome", models.CharField(help_text="Address of what the first submission made.", max_length=300)),
        ],
    ),
    migrations.CreateModel(
        name="Query",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("visit_code", models.CharField(blank=True, max_length=6)),
            ("record_type", models.CharField(max_length=40)),
            ("record_id", models.BigIntegerField()),
            ("item", models.CharField(help_text="The field, for lab results the analyte.", max_length=40)),
            (
                "check_code",
                models.CharField(blank=True, help_text="Empty for a query asked by a person.", max_length=40),
            ),
            ("text", models.CharField(max_length=500)),
            (
                "state",
                models.CharField(
                    choices=[("open", "Open"), ("answered", "Answered"), ("closed", "Closed")], max_length=8
                ),
            ),
            ("opened_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("opened_at", models.DateTimeField()),
            ("closed_at", models.DateTimeField(blank=True, null=True)),
        ],
        options={
            "ordering": ["id"],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("closed_at__isnull", False), ("state", "closed")),
                        models.Q(models.Q(("state", "closed"), _negated=True), ("closed_at", None)),
                        _connector="OR",
                    ),
                    name="query_closed_has_a_time",
                ),
                models.UniqueConstraint(
                    condition=models.Q(("check_code", ""), _negated=True),
                    fields=("record_type", "record_id", "item", "check_code"),
                    name="query_one_per_check_and_version",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="QueryMessage",
        fields=[
            ("id", row_id()),
            ("query", link("trialsite.query", related_name="messages")),
            ("site", link("trialsite.site")),
            (
                "action",
                models.CharField(
                    choices=[
                        ("opened", "Opened"),
                        ("answered", "Answered"),
                        ("confirmed", "Confirmed as entered"),
                        ("closed", "Closed"),
                        ("reopened", "Reopened"),
                        ("asked", "Asked anew"),
                    ],
                    max_length=10,
                ),
            ),
            ("text", models.CharField(max_length=500)),
            ("by", link(settings.AUTH_USER_MODEL, null=True)),
            ("by_name", models.CharField(max_length=200)),
            ("at", models.DateTimeField()),
        ],
        options={"ordering": ["id"]},
    ),
    migrations.CreateModel(
        name="Signature",
        fields=[
            ("id", row_id()),
            ("site", link("trialsite.site", null=True)),
            ("subject", link("trialsite.subject", null=True)),
            ("record_type", models.CharField(help_text="For example phase_decision, eligibility.", max_length=40)),
            ("record_id", models.CharField(max_length=40)),
            ("signer", link(settings.AUTH_USER_MODEL, related_name="signatures")),
            ("printed_name", models.CharField(max_length=200)),
            ("role", models.CharField(max_length=20)),
            ("meaning", models.CharField(max_length=40)),
            ("statement", models.TextField(help_text="The sentence above the signature, as it was shown.")),
            ("signed_at", models.DateTimeField()),
            ("time_zone", models.CharField(max_length=64)),
            ("content", models.JSONField()),
            ("digest", models.CharField(max_length=64)),
            ("authenticated_by", models.CharField(help_text="How identity was proved at signing.", max_length=40)),
        ],
        options={
            "ordering": ["id"],
            "constraints": [
                models.UniqueConstraint(
                    fields=("record_type", "record_id", "digest", "signer"), name="signature_once_per_content"
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="SignatureBasis",
        fields=[
            ("id", row_id()),
            ("signature", link("trialsite.signature", related_name="basis")),
            ("site", link("trialsite.site")),
            ("source", models.CharField(help_text="Opaque reference, for example lab_result:17.", max_length=60)),
        ],
        options={
            "indexes": [models.Index(fields=["source"], name="trialsite_s_source_fe746a_idx")],
            "constraints": [models.UniqueConstraint(fields=("signature", "source"), name="signaturebasis_once")],
        },
    ),
    migrations.CreateModel(
        name="SignatureEvent",
        fields=[
            ("id", row_id()),
            ("signature", link("trialsite.signature", related_name="events")),
            ("site", link("trialsite.site", null=True)),
            (
                "kind",
                models.CharField(
                    choices=[("broken", "Broken"), ("superseded", "Superseded"), ("withdrawn", "Withdrawn")],
                    max_length=10,
                ),
            ),
            ("reason", models.CharField(max_length=300)),
            ("at", models.DateTimeField()),
        ],
        options={
            "constraints": [models.UniqueConstraint(fields=("signature", "kind"), name="signatureevent_each_kind_once")]
        },
    ),
    migrations.CreateModel(
        name="FailedSigning",
        fields=[
            ("id", row_id()),
            ("user", link(settings.AUTH_USER_MODEL)),
            ("at", models.DateTimeField()),
            ("what", models.CharField(help_text="Address of the page.", max_length=200)),
        ],
        options={
            "ordering": ["id"],
            "indexes": [models.Index(fields=["user", "at"], name="trialsite_f_user_id_0e467a_idx")],
        },
    ),
    migrations.CreateModel(
        name="ParameterConfirmation",
        fields=[
            ("id", row_id()),
            ("name", models.CharField(max_length=60)),
            ("value", models.CharField(max_length=60)),
            ("unit", models.CharField(blank=True, max_length=20)),
            ("protocol_version", models.CharField(max_length=20)),
            ("reason", models.CharField(max_length=300)),
            ("confirmed_at", models.DateTimeField()),
            (
                "confirmed_by_name",
                models.CharField(help_text="Readable at every site, unlike the signature.", max_length=200),
            ),
            ("signature", models.OneToOneField(on_delete=models.PROTECT, related_name="+", to="trialsite.signature")),
            ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
            ("withdrawn_reason", models.CharField(blank=True, max_length=300)),
        ],
        options={
            "ordering": ["id"],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(
                        ("withdrawn_at", None), models.Q(("withdrawn_reason", ""), _negated=True), _connector="OR"
                    ),
                    name="parameterconfirmation_withdrawn_with_a_reason",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="ProtocolActivation",
        fields=[
            ("id", row_id()),
            ("version", models.CharField(max_length=20)),
            ("replaces", models.CharField(max_length=20)),
            ("reason", models.CharField(max_length=300)),
            ("activated_at", models.DateTimeField()),
            (
                "activated_by_name",
                models.CharField(help_text="Readable at every site, unlike the signature.", max_length=200),
            ),
            ("signature", models.OneToOneField(on_delete=models.PROTECT, related_name="+", to="trialsite.signature")),
            ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
            ("withdrawn_reason", models.CharField(blank=True, max_length=300)),
        ],
        options={
            "ordering": ["id"],
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("withdrawn_at", None)),
                    fields=("version",),
                    name="protocolactivation_each_version_once",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("withdrawn_at", None), models.Q(("withdrawn_reason", ""), _negated=True), _connector="OR"
                    ),
                    name="protocolactivation_withdrawn_with_a_reason",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="SourceVerification",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("record_type", models.CharField(max_length=40)),
            ("record_id", models.BigIntegerField(help_text="The record as it was first written.")),
            ("item", models.CharField(max_length=40)),
            (
                "event_number",
                models.BigIntegerField(help_text="Event of the audit trail that wrote the verified value."),
            ),
            ("attempt", models.PositiveSmallIntegerField(default=1, help_text="Counts on after a withdrawal.")),
            ("place", models.CharField(help_text="Visit, or the part of the record it belongs to.", max_length=20)),
            ("value", models.TextField(help_text="What was compared, as it was shown.")),
            ("is_critical", models.BooleanField(help_text="The item was declared critical.")),
            ("verified_by", link(settings.AUTH_USER_MODEL)),
            ("verified_at", models.DateTimeField()),
        ],
        options={
            "ordering": ["id"],
            "constraints": [
                models.UniqueConstraint(
                    fields=("record_type", "record_id", "item", "event_number", "attempt"),
                    name="sourceverification_once_per_version_and_attempt",
                ),
                models.CheckConstraint(
                    condition=models.Q(("attempt__gte", 1), ("event_number__gte", 1)),
                    name="sourceverification_of_a_version",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="SourceVerificationWithdrawal",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            (
                "verification",
                models.OneToOneField(
                    on_delete=models.PROTECT, related_name="withdrawal", to="trialsite.sourceverification"
                ),
            ),
            ("reason", models.CharField(max_length=300)),
            ("withdrawn_by", link(settings.AUTH_USER_MODEL)),
            ("withdrawn_at", models.DateTimeField()),
        ],
        options={
            "ordering": ["id"],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("reason", ""), _negated=True), name="sourceverificationwithdrawal_has_a_reason"
                )
            ],
        },
    ),
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
                        models.Q(("act", "lock"), ("snapshot__isnull", False), models.Q(("digest", ""), _negated=True)),
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


class Migration(migrations.Migration):
    replaces = [
        ("trialsite", name)
        for name in (
            "0004_mail_not_sent",
            "0005_access_by_system",
            "0006_failed_signing",
            "0007_shortcuts_of_one_key",
            "0008_protocol_versions",
            "0010_bedside",
            "0011_consent_gap",
            "0013_drafts",
            "0015_not_done_withdrawn",
            "0016_signing_rights",
            "0017_training",
            "0019_news_of_a_site",
            "0020_source_verification",
            "0022_withdrawn_for_every_site",
            "0004_lock_table",
            "0006_asked_again",
        )
    ]
    dependencies = [("trialsite", "0001_user")]
    operations = [CreateTables(TABLES)]
