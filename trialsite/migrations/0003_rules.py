"""Audit trail, row level security and rights of the spine's and of the framework's tables.

Drafts are not audited. What stands in a draft is no record: nobody but its author can read it, no data set and no
rule sees it, and it becomes data by one act only, saving the form, which is audited like every other. An event every
few seconds of typing would bury the trail that a reader needs.
"""

from django.db import migrations

from trialsite.guarding import guard, script, tie_to_parents

SUBJECT_TABLES = (
    "trialsite_subject",
    "trialsite_stateperiod",
    "trialsite_visit",
    "trialsite_query",
    "trialsite_consentgap",
)
ADD_ONLY = (
    "trialsite_querymessage",
    "trialsite_signature",
    "trialsite_signaturebasis",
    "trialsite_signatureevent",
    "trialsite_protocolperiod",
    "trialsite_sourceverification",
    "trialsite_sourceverificationwithdrawal",
)
LOGS = ("trialsite_outboxmessage", "trialsite_mail", "trialsite_accessentry")
#: Add-only but for the two columns that say, at every site, that one was withdrawn.
WITHDRAWABLE = ("trialsite_parameterconfirmation", "trialsite_protocolactivation")
WITHDRAWAL = ";".join(f"GRANT UPDATE (withdrawn_at, withdrawn_reason) ON {table} TO edc_app" for table in WITHDRAWABLE)
#: Of the own site and of the own person, for reading and for writing alike.
OWN_DRAFTS = """
DO $$
DECLARE
    rule text := format('(%s) AND user_id = nullif(current_setting(''app.person'', true), '''')::bigint',
        edc_site_rule());
BEGIN
    EXECUTE format('ALTER POLICY by_site ON trialsite_draft USING (%s) WITH CHECK (%s)', rule, rule);
END
$$;
"""


class Migration(migrations.Migration):
    replaces = [
        ("trialsite", name)
        for name in (
            "0002_audit_and_guards",
            "0003_framework_tables",
            "0009_protocol_versions_guards",
            "0012_consent_gap_guards",
            "0014_drafts_guards",
            "0018_training_guards",
            "0021_source_verification_guards",
        )
    ]
    dependencies = [
        ("trialsite", "0002_tables"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("mfa", "0003_authenticator_type_uniq"),
        ("sessions", "0001_initial"),
    ]

    operations = [
        script("audit.sql"),
        script("guard.sql"),
        script("open_tables.sql"),
        *guard("trialsite_user", scope="open", silent=("last_login",), secret=("password",)),
        *guard("trialsite_site", "trialsite_training", scope="open"),
        *guard("trialsite_invitation", scope="open", secret=("token_digest",)),
        *guard("trialsite_failedsigning", *WITHDRAWABLE, scope="open", rights="add"),
        migrations.RunSQL(WITHDRAWAL, migrations.RunSQL.noop),
        *guard("mfa_authenticator", scope="open", secret=("data",)),
        *guard("trialsite_delegation", scope="person"),
        *guard(*SUBJECT_TABLES),
        *guard(*ADD_ONLY, rights="add"),
        *guard("trialsite_outboxmessage", silent=("attempts", "next_attempt_at", "last_error", "done_at")),
        *guard("trialsite_mail", silent=("attempts", "next_attempt_at", "last_error", "sent_at")),
        *guard("trialsite_accessentry", rights="add", audit="exempt"),
        *guard("trialsite_draft", audit="exempt"),
        migrations.RunSQL(OWN_DRAFTS, migrations.RunSQL.noop),
        *tie_to_parents(*SUBJECT_TABLES, *ADD_ONLY, *LOGS, "trialsite_draft"),
    ]
