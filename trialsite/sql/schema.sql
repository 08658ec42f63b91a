-- Who may use the schema that the records live in, and what each role may do with tables to come.
--
-- Run by a superuser after roles.sql, or by edc_owner on a schema it has just made. Changes nothing that is right.

alter schema public owner to edc_owner;
revoke all on schema public from public;
grant usage on schema public to edc_app, edc_readonly;
grant usage, create on schema public to edc_audit;

alter default privileges for role edc_owner in schema public
    grant select, insert, update, delete on tables to edc_app;
alter default privileges for role edc_owner in schema public
    grant usage, select on sequences to edc_app;
alter default privileges for role edc_owner in schema public
    grant select on tables to edc_readonly;
