-- Guarding of tables, used by every app's migrations through trialsite.guarding.Guard.

-- Which rows does the present context see? Empty context: none. 'all': the roles that reach over every site.
CREATE FUNCTION edc_site_rule() RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT 'CASE coalesce(current_setting(''app.sites'', true), '''') WHEN ''all'' THEN true ELSE '
        || 'site_id = ANY (string_to_array(current_setting(''app.sites'', true), '','')::bigint[]) END'
$$;

-- Row security by site (`scope` = 'site'), by site or own person ('person'), or none ('open');
-- audit trigger if `audited`; rights of the application: read, add, and unless `append_only` change. Never delete.
CREATE FUNCTION edc_guard(target regclass, scope text, silent text[], secret text[], bulky text[],
    append_only boolean, audited boolean) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    rule text := edc_site_rule();
BEGIN
    IF scope = 'person' THEN
        rule := '(' || rule || ') OR user_id = nullif(current_setting(''app.reader'', true), '''')::bigint';
    END IF;
    IF scope <> 'open' THEN
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
        EXECUTE format('CREATE POLICY by_site ON %s TO edc_app, edc_readonly USING (%s) WITH CHECK (%s)',
            target, rule, edc_site_rule());
        EXECUTE format('CREATE POLICY keeper ON %s TO edc_owner, edc_audit USING (true) WITH CHECK (true)', target);
        EXECUTE format('CREATE UNIQUE INDEX IF NOT EXISTS %I ON %s (id, site_id)',
            (target::text || '_id_site'), target);
    END IF;
    IF audited THEN
        -- In capitals: triggers fire in the order of their names, and this one speaks before the foreign keys'.
        EXECUTE format('CREATE TRIGGER "AUDIT" AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW
            EXECUTE FUNCTION audit_capture(%L, %L, %L)', target, silent::text, secret::text, bulky::text);
    END IF;
    EXECUTE format('REVOKE ALL ON %s FROM edc_app, edc_readonly', target);
    EXECUTE format('GRANT SELECT, INSERT ON %s TO edc_app', target);
    EXECUTE format('GRANT SELECT ON %s TO edc_readonly', target);
    IF NOT append_only THEN
        EXECUTE format('GRANT UPDATE ON %s TO edc_app', target);
    END IF;
END
$$;

-- A child's site must be its parent's: for each foreign key between two guarded tables, a second one over (id, site).
CREATE FUNCTION edc_tie_to_parents(target regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    link record;
BEGIN
    FOR link IN
        SELECT c.confrelid::regclass AS parent, a.attname AS child_column
        FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
        WHERE c.conrelid = target AND c.contype = 'f' AND cardinality(c.conkey) = 1
          AND to_regclass(c.confrelid::regclass::text || '_id_site') IS NOT NULL
    LOOP
        EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I FOREIGN KEY (%I, site_id) REFERENCES %s (id, site_id)',
            target, left(replace(target::text, '_', '') || '_' || link.child_column || '_same_site', 63),
            link.child_column, link.parent);
    END LOOP;
END
$$;
