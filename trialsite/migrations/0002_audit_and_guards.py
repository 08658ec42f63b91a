"""Audit trail, row level security and rights of the spine's tables."""

from django.db import migrations

from trialsite.guarding import guard, script, tie_to_parents

SUBJECT_TABLES = (
    "trialsite_subject",
    "trialsite_stateperiod",
    "trialsite_visit",
    "trialsite_query",
)
ADD_ONLY = (
    "trialsite_querymessage",
    "trialsite_signature",
    "trialsite_signaturebasis",
    "trialsite_signatureevent",
)


class Migration(migrations.Migration):
    dependencies = [("trialsite", "0001_initial")]

    operations = [
        script("audit.sql"),
        script("guard.sql"),
        *guard("trialsite_user", scope="open", silent=("last_login",), secret=("password",)),
        *guard("trialsite_site", scope="open"),
        *guard("trialsite_invitation", scope="open", secret=("token_digest",)),
        *guard("trialsite_parameterconfirmation", scope="open", rights="add"),
        *guard("trialsite_delegation", scope="person"),
        *guard(*SUBJECT_TABLES),
        *guard(*ADD_ONLY, rights="add"),
        *guard("trialsite_outboxmessage", silent=("attempts", "next_attempt_at", "last_error", "done_at")),
        *guard("trialsite_mail", silent=("attempts", "next_attempt_at", "last_error", "sent_at")),
        *guard("trialsite_accessentry", rights="add", audit="exempt"),
        *tie_to_parents(
            *SUBJECT_TABLES,
            *ADD_ONLY,
            "trialsite_outboxmessage",
            "trialsite_mail",
            "trialsite_accessentry",
        ),
    ]
