#!/bin/sh
# Makes the cluster, user and database on an empty volume, then becomes the server.
set -eu

user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}
password=${POSTGRES_PASSWORD:-}
if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
    password=$(cat "$POSTGRES_PASSWORD_FILE")
fi
as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }

install -d -o postgres -g postgres -m 0700 "$PGDATA"
install -d -o postgres -g postgres -m 0775 /var/run/postgresql
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    if [ -z "$password" ]; then
        echo "POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE must be given." >&2
        exit 1
    fi
    secret=$(mktemp)
    chown postgres "$secret"
    printf '%s' "$password" >"$secret"
    as_postgres initdb --username="$user" --pwfile="$secret" --encoding=UTF8 --locale=C.UTF-8 \
        --auth-local=trust --auth-host=scram-sha-256 >/dev/null
    rm "$secret"
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    as_postgres pg_ctl --wait --silent --options="-c listen_addresses=''" start
    if [ "$database" != postgres ]; then
        as_postgres createdb --username="$user" "$database"
    fi
    as_postgres pg_ctl --wait --silent --mode=fast stop
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups "$@" -c "listen_addresses=*"
