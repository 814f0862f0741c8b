#!/bin/sh
# Makes the databases and their roles when the server starts for the first time.
set -eu

ask() { psql -X -v ON_ERROR_STOP=1 --username postgres "$@"; }

for part in dagster mlflow; do
    ask --dbname postgres -c "CREATE ROLE $part LOGIN" -c "CREATE DATABASE $part OWNER $part"
    ask --dbname postgres -c "REVOKE ALL ON DATABASE $part FROM PUBLIC"
done
ask --dbname postgres -c "CREATE DATABASE monitoring"
ask --dbname monitoring -f "${ROLES:-/roles}/store.sql"
ask --dbname monitoring -c "REVOKE ALL ON DATABASE monitoring FROM PUBLIC"

# psql quotes a password that comes as a variable, and only in statements that it reads.
password() { echo "ALTER ROLE $1 PASSWORD :'secret';" | ask --dbname postgres -v secret="$2"; }
password dagster "$DAGSTER_PASSWORD"
password mlflow "$MLFLOW_PASSWORD"
password monitoring_migrations "$MIGRATIONS_PASSWORD"
password monitoring_writer "$WRITER_PASSWORD"
password monitoring_reader "$READER_PASSWORD"
