-- Tables of the framework that hold no clinical data: sessions and cache come and go, the rest only the owner writes.

CREATE TABLE cache_entry (
    cache_key varchar(255) PRIMARY KEY,
    value     text        NOT NULL,
    expires   timestamptz NOT NULL
);
CREATE INDEX cache_entry_expires ON cache_entry (expires);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['cache_entry', 'django_session'] LOOP
        EXECUTE format('REVOKE ALL ON %I FROM edc_app, edc_readonly', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO edc_app', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['django_migrations', 'django_content_type', 'auth_permission', 'auth_group',
                                'auth_group_permissions', 'account_emailaddress', 'account_emailconfirmation'] LOOP
        EXECUTE format('REVOKE ALL ON %I FROM edc_app, edc_readonly', name);
        EXECUTE format('GRANT SELECT ON %I TO edc_app', name);
    END LOOP;
END
$$;

-- Single-use form tokens: nothing but the address of what a form made.
REVOKE ALL ON trialsite_submission FROM edc_app, edc_readonly;
GRANT SELECT, INSERT, UPDATE ON trialsite_submission TO edc_app;
