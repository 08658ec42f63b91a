"""The tables of safety."""

from django.conf import settings
from django.db import migrations, models

from trialsite.tables import CreateTables, link, row_id

ROUTES = [
    ("ORAL", "By mouth"),
    ("INTRAVENOUS", "Intravenous"),
    ("SUBCUTANEOUS", "Subcutaneous"),
    ("INTRAMUSCULAR", "Intramuscular"),
    ("RESPIRATORY", "Inhaled"),
    ("NASAL", "Nasal"),
    ("TOPICAL", "On the skin"),
    ("OPHTHALMIC", "In the eye"),
    ("RECTAL", "Rectal"),
    ("OTHER", "Another way"),
    ("UNKNOWN", "Unknown"),
]
TABLES = [
    migrations.CreateModel(
        name="ConcomitantMedication",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("name", models.CharField(max_length=120)),
            ("indication", models.CharField(max_length=200)),
            (
                "route",
                models.CharField(blank=True, choices=ROUTES, help_text="Empty where nobody said it.", max_length=13),
            ),
            ("is_anti_myeloma", models.BooleanField(default=False)),
            ("started", models.CharField(help_text="2025-03-12, 2025-03 or 2025.", max_length=10)),
            ("started_typed", models.CharField(max_length=40)),
            ("started_earliest", models.DateField()),
            ("started_latest", models.DateField()),
            ("stopped", models.CharField(blank=True, help_text="Empty while it is taken.", max_length=10)),
            ("stopped_typed", models.CharField(blank=True, max_length=40)),
            ("stopped_earliest", models.DateField(blank=True, null=True)),
            ("stopped_latest", models.DateField(blank=True, null=True)),
            ("in_error", models.BooleanField(default=False)),
            ("in_error_at", models.DateTimeField(blank=True, null=True)),
            ("in_error_reason", models.CharField(blank=True, max_length=300)),
            ("recorded_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("recorded_at", models.DateTimeField()),
        ],
        options={
            "ordering": ["started_earliest", "id"],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("started_earliest__lte", models.F("started_latest"))),
                    name="medication_start_in_order",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("stopped", ""), ("stopped_earliest", None), ("stopped_latest", None)),
                        models.Q(
                            models.Q(("stopped", ""), _negated=True),
                            ("stopped_earliest__lte", models.F("stopped_latest")),
                        ),
                        _connector="OR",
                    ),
                    name="medication_stop_in_order",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("stopped_latest", None),
                        ("stopped_latest__gte", models.F("started_earliest")),
                        _connector="OR",
                    ),
                    name="medication_may_stop_after_start",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("in_error", False), models.Q(("in_error_reason", ""), _negated=True), _connector="OR"
                    ),
                    name="medication_in_error_has_a_reason",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("in_error", False), ("in_error_at", None)),
                        models.Q(("in_error", True), ("in_error_at__isnull", False)),
                        _connector="OR",
                    ),
                    name="medication_in_error_says_since_when",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="AdverseEvent",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("number", models.PositiveSmallIntegerField(help_text="Counts the events of the subject from 1.")),
            ("term", models.CharField(help_text="CTCAE term.", max_length=80)),
            ("ctcae_version", models.CharField(max_length=4)),
            ("grade", models.PositiveSmallIntegerField()),
            (
                "reported_as",
                models.CharField(blank=True, help_text="In the words of the subject or the site.", max_length=200),
            ),
            ("started", models.CharField(help_text="2025-03-12, 2025-03 or 2025.", max_length=10)),
            ("started_typed", models.CharField(max_length=40)),
            ("started_earliest", models.DateField()),
            ("started_latest", models.DateField()),
            ("stopped", models.CharField(blank=True, help_text="Empty while it lasts.", max_length=10)),
            ("stopped_typed", models.CharField(blank=True, max_length=40)),
            ("stopped_earliest", models.DateField(blank=True, null=True)),
            ("stopped_latest", models.DateField(blank=True, null=True)),
            (
                "attribution_anakinra",
                models.CharField(
                    choices=[
                        ("UNRELATED", "Unrelated"),
                        ("UNLIKELY", "Unlikely"),
                        ("POSSIBLE", "Possible"),
                        ("PROBABLE", "Probable"),
                        ("DEFINITE", "Definite"),
                        ("NOT_GIVEN", "Drug not given"),
                    ],
                    max_length=10,
                ),
            ),
            (
                "attribution_dexamethasone",
                models.CharField(
                    choices=[
                        ("UNRELATED", "Unrelated"),
                        ("UNLIKELY", "Unlikely"),
                        ("POSSIBLE", "Possible"),
                        ("PROBABLE", "Probable"),
                        ("DEFINITE", "Definite"),
                        ("NOT_GIVEN", "Drug not given"),
                    ],
                    max_length=10,
                ),
            ),
            (
                "attribution_disease",
                models.CharField(
                    blank=True,
                    choices=[
                        ("UNRELATED", "Unrelated"),
                        ("UNLIKELY", "Unlikely"),
                        ("POSSIBLE", "Possible"),
                        ("PROBABLE", "Probable"),
                        ("DEFINITE", "Definite"),
                    ],
                    max_length=10,
                ),
            ),
            (
                "attribution_other",
                models.CharField(
                    blank=True,
                    choices=[
                        ("UNRELATED", "Unrelated"),
                        ("UNLIKELY", "Unlikely"),
                        ("POSSIBLE", "Possible"),
                        ("PROBABLE", "Probable"),
                        ("DEFINITE", "Definite"),
                    ],
                    max_length=10,
                ),
            ),
            (
                "action_anakinra",
                models.CharField(
                    choices=[
                        ("NONE", "None"),
                        ("HELD", "Held"),
                        ("REDUCED", "Reduced"),
                        ("STOPPED", "Stopped"),
                        ("NOT_GIVEN", "Drug not given"),
                    ],
                    max_length=10,
                ),
            ),
            (
                "action_dexamethasone",
                models.CharField(
                    choices=[
                        ("NONE", "None"),
                        ("HELD", "Held"),
                        ("REDUCED", "Reduced"),
                        ("STOPPED", "Stopped"),
                        ("NOT_GIVEN", "Drug not given"),
                    ],
                    max_length=10,
                ),
            ),
            (
                "outcome",
                models.CharField(
                    choices=[
                        ("RECOVERED", "Recovered"),
                        ("SEQUELAE", "Recovered with sequelae"),
                        ("RECOVERING", "Recovering"),
                        ("NOT_RECOVERED", "Not recovered"),
                        ("FATAL", "Fatal"),
                        ("UNKNOWN", "Unknown"),
                    ],
                    max_length=14,
                ),
            ),
            ("is_fatal", models.BooleanField(default=False)),
            ("is_life_threatening", models.BooleanField(default=False)),
            ("needs_hospital", models.BooleanField(default=False)),
            ("disables", models.BooleanField(default=False)),
            ("is_congenital", models.BooleanField(default=False)),
            ("is_important", models.BooleanField(default=False)),
            (
                "expected_of_anakinra",
                models.BooleanField(blank=True, help_text="Empty where it was not given.", null=True),
            ),
            (
                "expected_of_dexamethasone",
                models.BooleanField(blank=True, help_text="Empty where it was not given.", null=True),
            ),
            (
                "reference_list",
                models.CharField(help_text="List that says what is expected, in force at onset.", max_length=10),
            ),
            (
                "lab_result",
                link("labs.labresult", blank=True, help_text="Result whose grade led to the event.", null=True),
            ),
            ("version", models.PositiveSmallIntegerField(default=1, help_text="Raised by every correction.")),
            ("in_error", models.BooleanField(default=False)),
            ("in_error_reason", models.CharField(blank=True, max_length=300)),
            ("recorded_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("recorded_at", models.DateTimeField()),
        ],
        options={
            "ordering": ["number"],
            "constraints": [
                models.UniqueConstraint(fields=("subject", "number"), name="adverseevent_number_once"),
                models.CheckConstraint(
                    condition=models.Q(("grade__gte", 1), ("grade__lte", 5)), name="adverseevent_grade_1_to_5"
                ),
                models.CheckConstraint(
                    condition=models.Q(("started_earliest__lte", models.F("started_latest"))),
                    name="adverseevent_start_in_order",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("stopped", ""), ("stopped_earliest", None), ("stopped_latest", None)),
                        models.Q(
                            models.Q(("stopped", ""), _negated=True),
                            ("stopped_earliest__lte", models.F("stopped_latest")),
                        ),
                        _connector="OR",
                    ),
                    name="adverseevent_stop_in_order",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("stopped_latest", None), ("stopped_latest__gte", models.F("started_earliest")), _connector="OR"
                    ),
                    name="adverseevent_may_stop_after_start",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("grade", 5), ("is_fatal", True), ("outcome", "FATAL")),
                        models.Q(
                            models.Q(("grade", 5), _negated=True),
                            models.Q(("outcome", "FATAL"), _negated=True),
                            ("is_fatal", False),
                        ),
                        _connector="OR",
                    ),
                    name="adverseevent_death_is_grade_5_fatal_serious",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("in_error", False), models.Q(("in_error_reason", ""), _negated=True), _connector="OR"
                    ),
                    name="adverseevent_in_error_has_a_reason",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="GradeJudgement",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("lab_result", link("labs.labresult")),
            ("term", models.CharField(help_text="CTCAE term that the result was graded for.", max_length=80)),
            ("ctcae_version", models.CharField(max_length=4)),
            ("grade", models.PositiveSmallIntegerField()),
            ("judged_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("judged_at", models.DateTimeField()),
            ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
            ("withdrawn_reason", models.CharField(blank=True, max_length=300)),
            ("withdrawn_by", link(settings.AUTH_USER_MODEL, blank=True, null=True)),
        ],
        options={
            "ordering": ["id"],
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("withdrawn_at", None)),
                    fields=("lab_result", "term"),
                    name="gradejudgement_one_standing_per_result_and_term",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("withdrawn_at", None), ("withdrawn_by", None), ("withdrawn_reason", "")),
                        models.Q(
                            ("withdrawn_at__isnull", False),
                            ("withdrawn_by__isnull", False),
                            models.Q(("withdrawn_reason", ""), _negated=True),
                        ),
                        _connector="OR",
                    ),
                    name="gradejudgement_withdrawn_with_a_reason",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="VitalJudgement",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("visit", link("trialsite.visit")),
            ("term", models.CharField(help_text="CTCAE term that the figures were graded for.", max_length=80)),
            ("ctcae_version", models.CharField(max_length=4)),
            ("grade", models.PositiveSmallIntegerField()),
            ("judged_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("judged_at", models.DateTimeField()),
            ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
            ("withdrawn_reason", models.CharField(blank=True, max_length=300)),
            ("withdrawn_by", link(settings.AUTH_USER_MODEL, blank=True, null=True)),
        ],
        options={
            "ordering": ["id"],
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("withdrawn_at", None)),
                    fields=("visit", "term", "grade"),
                    name="vitaljudgement_one_standing_per_visit_term_and_grade",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("withdrawn_at", None), ("withdrawn_by", None), ("withdrawn_reason", "")),
                        models.Q(
                            ("withdrawn_at__isnull", False),
                            ("withdrawn_by__isnull", False),
                            models.Q(("withdrawn_reason", ""), _negated=True),
                        ),
                        _connector="OR",
                    ),
                    name="vitaljudgement_withdrawn_with_a_reason",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="SafetyReport",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("number", models.PositiveSmallIntegerField(help_text="Counts the reports of the subject from 1.")),
            (
                "event",
                models.OneToOneField(
                    blank=True,
                    help_text="The serious event; empty for a pregnancy and for follow-up information.",
                    null=True,
                    on_delete=models.PROTECT,
                    related_name="report",
                    to="safety.adverseevent",
                ),
            ),
            (
                "follows",
                link(
                    "safety.safetyreport",
                    blank=True,
                    help_text="The report that this information follows.",
                    null=True,
                    related_name="news",
                ),
            ),
            (
                "pregnant",
                models.CharField(
                    blank=True,
                    choices=[("SUBJECT", "The subject"), ("PARTNER", "The subject's partner")],
                    help_text="Of a pregnancy.",
                    max_length=7,
                ),
            ),
            ("aware_at", models.DateTimeField(help_text="When the site learned of it: the first clock starts.")),
            ("narrative", models.CharField(blank=True, help_text="What happened, in words.", max_length=2000)),
            ("admitted_on", models.DateField(blank=True, null=True)),
            ("discharged_on", models.DateField(blank=True, null=True)),
            (
                "history",
                models.CharField(blank=True, help_text="Relevant history and other illnesses.", max_length=1000),
            ),
            ("tests", models.CharField(blank=True, help_text="Relevant tests with their results.", max_length=1000)),
            ("treatment", models.CharField(blank=True, help_text="What was done against it.", max_length=1000)),
            (
                "dechallenge",
                models.CharField(
                    blank=True,
                    choices=[
                        ("YES", "Yes"),
                        ("NO", "No"),
                        ("UNKNOWN", "Unknown"),
                        ("NOT_APPLICABLE", "Does not apply"),
                    ],
                    help_text="Did it abate when the drug was stopped?",
                    max_length=14,
                ),
            ),
            (
                "rechallenge",
                models.CharField(
                    blank=True,
                    choices=[
                        ("YES", "Yes"),
                        ("NO", "No"),
                        ("UNKNOWN", "Unknown"),
                        ("NOT_APPLICABLE", "Does not apply"),
                    ],
                    help_text="Did it come back when the drug was given again?",
                    max_length=14,
                ),
            ),
            ("death_cause", models.CharField(blank=True, max_length=300)),
            (
                "autopsy",
                models.CharField(
                    blank=True,
                    choices=[
                        ("YES", "Yes"),
                        ("NO", "No"),
                        ("UNKNOWN", "Unknown"),
                        ("NOT_APPLICABLE", "Does not apply"),
                    ],
                    max_length=14,
                ),
            ),
            ("due_on", models.DateField(blank=True, help_text="Of a pregnancy: when birth is expected.", null=True)),
            (
                "pregnancy_outcome",
                models.CharField(
                    blank=True,
                    choices=[
                        ("ONGOING", "Ongoing"),
                        ("LIVE_BIRTH", "Live birth"),
                        ("ANOMALY", "Live birth with an anomaly"),
                        ("MISCARRIAGE", "Miscarriage"),
                        ("STILLBIRTH", "Stillbirth"),
                        ("TERMINATION", "Termination"),
                        ("UNKNOWN", "Unknown"),
                    ],
                    max_length=11,
                ),
            ),
            ("in_error_at", models.DateTimeField(blank=True, help_text="There never was such a pregnancy.", null=True)),
            ("in_error_reason", models.CharField(blank=True, max_length=300)),
            (
                "sponsor_at",
                models.DateTimeField(blank=True, help_text="When the sponsor received the report.", null=True),
            ),
            ("sponsor_late_because", models.CharField(blank=True, max_length=300)),
            (
                "authority_at",
                models.DateTimeField(blank=True, help_text="When it was sent to the authority.", null=True),
            ),
            ("authority_late_because", models.CharField(blank=True, max_length=300)),
            ("version", models.PositiveSmallIntegerField(default=1, help_text="Raised by every change.")),
            ("recorded_by", link(settings.AUTH_USER_MODEL, null=True)),
            ("recorded_at", models.DateTimeField()),
        ],
        options={
            "ordering": ["number"],
            "constraints": [
                models.UniqueConstraint(fields=("subject", "number"), name="safetyreport_number_once"),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(models.Q(("event", None), ("pregnant", ""), _connector="XOR"), ("follows", None)),
                        models.Q(
                            ("event", None),
                            ("follows__isnull", False),
                            ("pregnant", ""),
                            ("sponsor_at", models.F("aware_at")),
                        ),
                        _connector="OR",
                    ),
                    name="safetyreport_of_an_event_a_pregnancy_or_news",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("discharged_on", None),
                        models.Q(("admitted_on__isnull", False), ("discharged_on__gte", models.F("admitted_on"))),
                        _connector="OR",
                    ),
                    name="safetyreport_discharged_after_admission",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("in_error_at", None), ("in_error_reason", "")),
                        models.Q(
                            ("in_error_at__isnull", False),
                            models.Q(("pregnant", ""), _negated=True),
                            models.Q(("in_error_reason", ""), _negated=True),
                        ),
                        _connector="OR",
                    ),
                    name="safetyreport_in_error_is_a_pregnancy_with_a_reason",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("sponsor_at", None), ("sponsor_at__gte", models.F("aware_at")), _connector="OR"
                    ),
                    name="safetyreport_sponsor_after_site",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("authority_at", None),
                        models.Q(("authority_at__gte", models.F("sponsor_at")), ("sponsor_at__isnull", False)),
                        _connector="OR",
                    ),
                    name="safetyreport_authority_after_sponsor",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="ClockEscalation",
        fields=[
            ("id", row_id()),
            ("subject", link("trialsite.subject")),
            ("site", link("trialsite.site")),
            ("report", link("safety.safetyreport", related_name="escalations")),
            ("clock", models.CharField(choices=[("SPONSOR", "Sponsor"), ("AUTHORITY", "Authority")], max_length=9)),
            ("percent", models.PositiveSmallIntegerField(help_text="Percent of the clock that had passed.")),
            ("fell_due_at", models.DateTimeField()),
            ("status", models.CharField(choices=[("sent", "Sent"), ("skipped", "Skipped")], max_length=7)),
            ("reason", models.CharField(max_length=200)),
            ("decided_at", models.DateTimeField()),
        ],
        options={
            "ordering": ["id"],
            "constraints": [
                models.UniqueConstraint(
                    fields=("report", "clock", "percent"), name="clockescalation_once_per_report_and_step"
                )
            ],
        },
    ),
]


class Migration(migrations.Migration):
    replaces = [
        ("safety", name)
        for name in (
            "0001_initial",
            "0003_adverse_events",
            "0005_safety_reports",
            "0007_vital_judgements",
            "0009_follow_up_information",
            "0011_report_details",
            "0012_judgements_taken_back",
            "0013_medication_in_error_since",
            "0003_partial_medication_dates",
        )
    ]
    initial = True
    dependencies = [("labs", "0001_tables"), ("trialsite", "0002_tables")]
    operations = [CreateTables(TABLES)]
