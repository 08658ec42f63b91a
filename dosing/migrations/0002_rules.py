"""Audit, row level security and rights of the tables of dosing; the balances of drugs never fall below zero."""

from django.db import migrations

from trialsite.guarding import guard, tie_to_parents

TABLES = (
    "dosing_assignmentdiscrepancy",
    "dosing_doserecord",
    "dosing_dosemodification",
    "dosing_druglot",
    "dosing_drugmovement",
)
ADD_ONLY = ("dosing_phasedecision",)
DERIVED = ("dosing_phaseproposal",)

# Deferred to the end of the transaction: the service says it in a sentence before.
NEVER_NEGATIVE = """
CREATE FUNCTION dosing_balances_stand() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    short text;
BEGIN
    SELECT string_agg(what, ', ') INTO short FROM (
        SELECT 'on hand' AS what FROM dosing_drugmovement WHERE lot_id = NEW.lot_id AND in_error_at IS NULL
        HAVING sum(CASE kind WHEN 'received' THEN units WHEN 'dispensed' THEN -units WHEN 'destroyed' THEN -units
                   ELSE 0 END) < 0
        UNION ALL
        SELECT 'returned' FROM dosing_drugmovement WHERE lot_id = NEW.lot_id AND in_error_at IS NULL
        HAVING sum(CASE kind WHEN 'returned' THEN units WHEN 'return_destroyed' THEN -units ELSE 0 END) < 0
        UNION ALL
        SELECT 'with a subject' FROM dosing_drugmovement WHERE lot_id = NEW.lot_id AND in_error_at IS NULL
        GROUP BY subject_id
        HAVING sum(CASE kind WHEN 'dispensed' THEN units WHEN 'returned' THEN -units ELSE 0 END) < 0
    ) AS below;
    IF short IS NOT NULL THEN
        RAISE EXCEPTION 'The balance of lot % falls below zero: %.', NEW.lot_id, short
            USING ERRCODE = 'check_violation', CONSTRAINT = 'drugmovement_balances_stand';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER drugmovement_balances_stand AFTER INSERT OR UPDATE ON dosing_drugmovement
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dosing_balances_stand();
"""


class Migration(migrations.Migration):
    replaces = [
        ("dosing", name)
        for name in (
            "0002_guards",
            "0004_supplies_guards",
            "0006_modifications_guards",
        )
    ]
    dependencies = [("dosing", "0001_tables"), ("safety", "0002_rules")]

    operations = [
        migrations.RunSQL(NEVER_NEGATIVE, migrations.RunSQL.noop),
        *guard(*TABLES),
        *guard(*ADD_ONLY, rights="add"),
        *guard(*DERIVED, bulky=("detail",)),
        *tie_to_parents(*TABLES, *ADD_ONLY, *DERIVED),
    ]
