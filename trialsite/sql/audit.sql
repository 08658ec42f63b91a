-- The audit trail. Owned by edc_audit, which nobody can log in as; the application may only read.
-- Executed once by the owner's migration.

CREATE TABLE audit_event (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chain          text        NOT NULL,
    table_name     text        NOT NULL,
    row_id         text        NOT NULL,
    op             text        NOT NULL CHECK (op IN ('INSERT', 'UPDATE', 'DELETE')),
    old            jsonb,
    new            jsonb,
    user_id        bigint,
    system_actor   text,
    actor_name     text        NOT NULL,
    role           text        NOT NULL,
    site_id        bigint,
    subject_id     bigint,
    reason         text        NOT NULL,
    request_id     text        NOT NULL,
    source         text        NOT NULL,
    software       text        NOT NULL,
    at             timestamptz NOT NULL,
    transaction_at timestamptz NOT NULL,
    transaction_id bigint      NOT NULL,
    CONSTRAINT audit_event_one_actor CHECK (num_nonnulls(user_id, system_actor) = 1),
    CONSTRAINT audit_event_change_has_a_reason CHECK (op = 'INSERT' OR reason <> '')
);
CREATE INDEX audit_event_by_subject ON audit_event (subject_id, id);
CREATE INDEX audit_event_by_site ON audit_event (site_id, id);
CREATE INDEX audit_event_by_row ON audit_event (table_name, row_id, id);
CREATE INDEX audit_event_by_transaction ON audit_event (transaction_id);

-- A chain per subject, per site, and one 'system' chain. Numbers are given under the head's lock.
CREATE TABLE audit_head (
    chain text PRIMARY KEY,
    seq   bigint NOT NULL,
    hash  text   NOT NULL
);
CREATE TABLE audit_link (
    event_id bigint PRIMARY KEY,
    chain    text   NOT NULL,
    seq      bigint NOT NULL,
    previous text   NOT NULL,
    hash     text   NOT NULL,
    UNIQUE (chain, seq)
);

-- The canonical text of an event: what is hashed. Fields in this order, parted by the unit separator.
CREATE FUNCTION audit_canonical(e audit_event) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
    SELECT array_to_string(ARRAY[
        e.id::text, e.chain, e.table_name, e.row_id, e.op, coalesce(e.old::text, ''), coalesce(e.new::text, ''),
        coalesce(e.user_id::text, ''), coalesce(e.system_actor, ''), e.actor_name, e.role,
        coalesce(e.site_id::text, ''), coalesce(e.subject_id::text, ''), e.reason, e.request_id, e.source,
        e.software, to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        to_char(e.transaction_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), e.transaction_id::text
    ], E'\x1f')
$$;

-- What stands in an event for a bulky value: recomputable from the row itself.
CREATE FUNCTION audit_digest(value jsonb) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT 'sha256:' || encode(sha256(convert_to(value::text, 'UTF8')), 'hex')
$$;

-- Row trigger on every audited table. Arguments: columns whose change alone is no event (lease columns, last_login),
-- columns that hold secrets: that they changed is recorded, what they hold is not;
-- and bulky derived columns, of which the SHA-256 is recorded: it proves them without repeating them.
CREATE FUNCTION audit_capture() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    silent  text[] := TG_ARGV[0]::text[];
    secret  text;
    bulky   text;
    was     jsonb;
    is_now  jsonb;
    whole   jsonb;
    person  bigint := nullif(current_setting('app.user_id', true), '')::bigint;
    machine text   := nullif(current_setting('app.system_actor', true), '');
    why     text   := coalesce(current_setting('app.reason', true), '');
    named   text;
    of_site bigint;
    of_subj bigint;
BEGIN
    IF TG_OP <> 'INSERT' THEN was := to_jsonb(OLD) - silent; END IF;
    IF TG_OP <> 'DELETE' THEN is_now := to_jsonb(NEW) - silent; END IF;
    whole := coalesce(is_now, was);
    IF TG_OP = 'UPDATE' THEN
        SELECT jsonb_object_agg(o.key, o.value), jsonb_object_agg(o.key, is_now -> o.key)
          INTO was, is_now
          FROM jsonb_each(was) AS o WHERE o.value IS DISTINCT FROM is_now -> o.key;
        IF was IS NULL THEN RETURN NULL; END IF;
    END IF;
    FOREACH secret IN ARRAY TG_ARGV[1]::text[] LOOP
        IF was ? secret THEN was := was || jsonb_build_object(secret, '(not shown)'); END IF;
        IF is_now ? secret THEN is_now := is_now || jsonb_build_object(secret, '(not shown)'); END IF;
    END LOOP;
    FOREACH bulky IN ARRAY TG_ARGV[2]::text[] LOOP
        IF was ? bulky THEN was := was || jsonb_build_object(bulky, audit_digest(was -> bulky)); END IF;
        IF is_now ? bulky THEN is_now := is_now || jsonb_build_object(bulky, audit_digest(is_now -> bulky)); END IF;
    END LOOP;
    IF num_nonnulls(person, machine) <> 1 THEN
        RAISE EXCEPTION 'A write to % needs exactly one actor.', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP <> 'INSERT' AND why = '' THEN
        RAISE EXCEPTION 'A change of % needs a reason.', TG_TABLE_NAME USING ERRCODE = 'not_null_violation';
    END IF;
    IF person IS NOT NULL THEN
        SELECT printed_name INTO STRICT named FROM trialsite_user WHERE id = person;
    ELSE
        named := 'System: ' || machine;
    END IF;
    of_subj := CASE TG_TABLE_NAME WHEN 'trialsite_subject' THEN (whole ->> 'id') ELSE whole ->> 'subject_id' END::bigint;
    of_site := CASE TG_TABLE_NAME WHEN 'trialsite_site' THEN (whole ->> 'id') ELSE whole ->> 'site_id' END::bigint;
    INSERT INTO audit_event (chain, table_name, row_id, op, old, new, user_id, system_actor, actor_name, role,
        site_id, subject_id, reason, request_id, source, software, at, transaction_at, transaction_id)
    VALUES (
        CASE WHEN of_subj IS NOT NULL THEN 'subject:' || of_subj
             WHEN of_site IS NOT NULL THEN 'site:' || of_site ELSE 'system' END,
        TG_TABLE_NAME, coalesce(whole ->> 'id', whole ->> 'token', whole ->> 'name'), TG_OP, was, is_now,
        person, machine, named, coalesce(current_setting('app.role', true), ''), of_site, of_subj, why,
        coalesce(current_setting('app.request_id', true), ''), coalesce(current_setting('app.source', true), ''),
        coalesce(current_setting('app.software', true), ''),
        clock_timestamp(), now(), pg_current_xact_id()::text::bigint);
    RETURN NULL;
END
$$;

-- At commit, all events of the transaction are chained, chains in sorted order so that two commits never deadlock.
CREATE FUNCTION audit_chain_up() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    this_tx bigint := pg_current_xact_id()::text::bigint;
    strand  text;
    head    audit_head;
    event   audit_event;
    digest  text;
BEGIN
    IF EXISTS (SELECT 1 FROM audit_link WHERE event_id = NEW.id) THEN RETURN NULL; END IF;
    FOR strand IN
        SELECT DISTINCT e.chain FROM audit_event e LEFT JOIN audit_link l ON l.event_id = e.id
        WHERE e.transaction_id = this_tx AND l.event_id IS NULL ORDER BY e.chain
    LOOP
        INSERT INTO audit_head VALUES (strand, 0, '') ON CONFLICT DO NOTHING;
        SELECT * INTO head FROM audit_head WHERE chain = strand FOR UPDATE;
        FOR event IN
            SELECT e.* FROM audit_event e LEFT JOIN audit_link l ON l.event_id = e.id
            WHERE e.transaction_id = this_tx AND e.chain = strand AND l.event_id IS NULL ORDER BY e.id
        LOOP
            digest := encode(sha256(convert_to(head.hash || E'\x1f' || audit_canonical(event), 'UTF8')), 'hex');
            INSERT INTO audit_link VALUES (event.id, strand, head.seq + 1, head.hash, digest);
            head.seq := head.seq + 1;
            head.hash := digest;
        END LOOP;
        UPDATE audit_head SET seq = head.seq, hash = head.hash WHERE chain = strand;
    END LOOP;
    RETURN NULL;
END
$$;

GRANT SELECT ON trialsite_user TO edc_audit;

CREATE CONSTRAINT TRIGGER audit_chain_up AFTER INSERT ON audit_event
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_chain_up();

-- Reading follows the same site rule as everything else; rows without a site are for roles that reach over all.
ALTER TABLE audit_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_event FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_keeper ON audit_event TO edc_audit USING (true) WITH CHECK (true);
CREATE POLICY audit_reader ON audit_event FOR SELECT TO edc_app, edc_readonly USING (
    CASE coalesce(current_setting('app.sites', true), '') WHEN 'all' THEN true
    ELSE site_id = ANY (string_to_array(current_setting('app.sites', true), ',')::bigint[]) END);
REVOKE ALL ON audit_event, audit_link, audit_head FROM edc_app, edc_readonly;
GRANT SELECT ON audit_event, audit_link, audit_head TO edc_app, edc_readonly;

ALTER TABLE audit_event OWNER TO edc_audit;
ALTER TABLE audit_head OWNER TO edc_audit;
ALTER TABLE audit_link OWNER TO edc_audit;
ALTER FUNCTION audit_canonical(audit_event) OWNER TO edc_audit;
ALTER FUNCTION audit_capture() OWNER TO edc_audit;
ALTER FUNCTION audit_chain_up() OWNER TO edc_audit;
