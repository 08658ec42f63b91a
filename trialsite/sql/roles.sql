-- The five roles of the database, and who owns what in the database this script is run in.
--
-- Run by a superuser, as often as you like, and followed by schema.sql; it changes nothing that is already right.
-- The caller sets three session variables first (any client can: no psql variables are needed):
--   select set_config('trialsite.owner_password', '...', false);
--   select set_config('trialsite.app_password', '...', false);
--   select set_config('trialsite.readonly_password', '...', false);
--
--   (superuser)    bootstraps the server, then is not used again
--   edc_owner      owns the schema and migrates it
--   edc_app        web, worker, beat and the tests; owns nothing
--   edc_audit      cannot sign in; owns the event table and the functions that write it
--   edc_readonly   reports and statistics outside the application

do $$
declare
    wanted record;
begin
    for wanted in
        select * from (values
            ('edc_owner', 'trialsite.owner_password'),
            ('edc_app', 'trialsite.app_password'),
            ('edc_readonly', 'trialsite.readonly_password')
        ) as row (name, variable)
    loop
        if not exists (select from pg_roles where rolname = wanted.name) then
            execute format('create role %I', wanted.name);
        end if;
        -- A missing variable is an error here: a role without a password is never made.
        execute format(
            'alter role %I with login nosuperuser nocreaterole noreplication nobypassrls password %L',
            wanted.name, current_setting(wanted.variable));
    end loop;
    if not exists (select from pg_roles where rolname = 'edc_audit') then
        create role edc_audit;
    end if;
    alter role edc_audit with nologin nosuperuser nocreaterole noreplication nobypassrls;
    -- Lets a migration hand tables and functions to edc_audit, but not use its rights without saying so.
    grant edc_audit to edc_owner with inherit false, set true;

    execute format('alter database %I owner to edc_owner', current_database());
    execute format('revoke all on database %I from public', current_database());
    execute format('grant connect on database %I to edc_app, edc_readonly', current_database());
    -- The application copies into a temporary table before it inserts under row security.
    execute format('grant temporary on database %I to edc_app', current_database());
end
$$;

alter role edc_app set timezone = 'UTC';
alter role edc_owner set timezone = 'UTC';
alter role edc_readonly set timezone = 'UTC';
alter role edc_readonly set default_transaction_read_only = on;
