#!/bin/sh
# Run once by the PostgreSQL image when its volume is new: makes the roles, with passwords from the environment.
set -eu

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" >/dev/null <<'SQL'
\getenv owner_password EDC_OWNER_PASSWORD
\getenv app_password EDC_APP_PASSWORD
\getenv readonly_password EDC_READONLY_PASSWORD
select set_config('trialsite.owner_password', :'owner_password', false);
select set_config('trialsite.app_password', :'app_password', false);
select set_config('trialsite.readonly_password', :'readonly_password', false);
\ir /sql/roles.sql
\ir /sql/schema.sql
SQL
