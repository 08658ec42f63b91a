-- What is frozen or locked stands still: the application adds, changes and removes no row of a closed place.

-- Row trigger. Argument: SQL that gives the place of the row $1. A row that moves needs both places open.
CREATE FUNCTION edc_keep_closed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    whose  bigint;
    places text[] := '{}';
    place  text;
    closed record;
BEGIN
    IF TG_TABLE_NAME = 'trialsite_subject' THEN
        whose := OLD.id;
    ELSIF TG_OP = 'INSERT' THEN
        whose := NEW.subject_id;
    ELSE
        whose := OLD.subject_id;
    END IF;
    -- Most subjects have nothing closed: they cost one look into an index.
    IF EXISTS (SELECT FROM trialsite_lockstep WHERE subject_id = whose) THEN
        IF TG_OP <> 'INSERT' THEN
            EXECUTE 'SELECT ' || TG_ARGV[0] INTO place USING OLD;
            places := places || place;
        END IF;
        IF TG_OP <> 'DELETE' THEN
            EXECUTE 'SELECT ' || TG_ARGV[0] INTO place USING NEW;
            places := places || place;
        END IF;
        SELECT newest.* INTO closed FROM unnest(places) AS wanted (place) CROSS JOIN LATERAL (
            SELECT * FROM trialsite_lockstep s WHERE s.subject_id = whose AND s.place = wanted.place
            ORDER BY s.number DESC LIMIT 1
        ) AS newest WHERE newest.state <> 'open' LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION '% of subject % is %.', closed.place, whose, closed.state
                USING ERRCODE = 'check_violation', CONSTRAINT = 'place_is_open',
                      DETAIL = closed.place || '|' || closed.state || '|' || edc_closed_on(whose, closed.place);
        END IF;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END
$$;

-- The site's day on which a place was frozen or locked last.
CREATE FUNCTION edc_closed_on(whose bigint, of_place text) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT (s.at AT TIME ZONE w.time_zone)::date FROM trialsite_lockstep s JOIN trialsite_site w ON w.id = s.site_id
    WHERE s.subject_id = whose AND s.place = of_place AND s.act IN ('freeze', 'lock') ORDER BY s.number DESC LIMIT 1
$$;

-- Put a table of source records under it. `columns`: those of an update that count, empty for all of them.
CREATE FUNCTION edc_close_with_place(target regclass, place text, columns text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    -- The owner migrates; what a migration brings on may be of a closed place.
    EXECUTE format('CREATE TRIGGER "CLOSED" BEFORE INSERT OR UPDATE %s OR DELETE ON %s FOR EACH ROW
        WHEN (current_user <> ''edc_owner'') EXECUTE FUNCTION edc_keep_closed(%L)',
        CASE columns WHEN '' THEN '' ELSE 'OF ' || columns END, target, place);
END
$$;
