#!/bin/sh
# Makes the cluster that every group of checks gets a copy of: one database, `app`, and the
# learner's own role, which owns it, may create others (test runners do) and is no superuser.
set -eu

server=/usr/lib/postgresql/17/bin
install -d -o 10002 -g 10002 -m 0700 /template
as_app() {
    setpriv --reuid 10002 --regid 10002 --clear-groups "$@"
}
sql() {
    # A statement ends at an empty line.
    printf '%s\n\n' "$@" | as_app $server/postgres --single -j -D /template \
        -c fsync=off -c log_min_messages=error template1 > /dev/null
}

cd /
as_app $server/initdb --pgdata /template --username postgres --auth reject --encoding UTF8 \
    --locale-provider builtin --locale C.UTF-8 --wal-segsize 1 --no-sync --no-instructions > /dev/null
# Two databases that nobody needs here would be two thirds of every copy.
sql "CREATE ROLE app LOGIN CREATEDB;" \
    "UPDATE pg_database SET datistemplate = false WHERE datname = 'template0';" \
    "DROP DATABASE template0;" "DROP DATABASE postgres;" "CREATE DATABASE app OWNER app;"
as_app $server/pg_resetwal --pgdata /template > /dev/null
# The settings are outside of what the server, and the learner, can write to.
rm /template/postgresql.conf /template/pg_hba.conf
du -sm /template
