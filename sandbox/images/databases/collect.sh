#!/bin/sh
# Copies the servers, their clients and the libraries that the base lacks to /collected, at the
# places where they look for their own files. Left out: LLVM and the code it would compile,
# documentation, headers, translations, the packages' own scripts.
set -eu

out=/collected
server=/usr/lib/postgresql/17
share=/usr/share/postgresql/17

mkdir -p $out$server/bin $out$share $out/usr/bin $out/usr/local/bin
mkdir -p $out/opt/backpath/postgres $out/opt/backpath/redis
cp $server/bin/postgres $server/bin/psql $out$server/bin/
cp -R $server/lib $out$server/lib
rm -rf $out$server/lib/bitcode $out$server/lib/pgxs $out$server/lib/llvmjit* $out$server/lib/sepgsql.so
cp -R $share/extension $share/timezonesets $share/tsearch_data $out$share/
cp -L /usr/bin/redis-server /usr/bin/redis-cli $out/usr/bin/
ln -s $server/bin/psql $out/usr/local/bin/psql
ln -s $server/bin $out/opt/backpath/postgres/bin
cp /build/postgresql.conf /build/pg_hba.conf $out/opt/backpath/postgres/
cp /build/redis.conf $out/opt/backpath/redis/

programs="$out$server/bin/* $out$server/lib/*.so $out/usr/bin/*"
ldd $programs | sed -nE 's/.* => (\/[^ ]+) .*/\1/p' | sort -u | while read -r library; do
    if ! grep -qxF "$(basename "$library")" /build/libraries-of-the-base; then
        folder=/usr${library#/usr}
        mkdir -p "$out$(dirname "$folder")"
        cp -L "$library" "$out$folder"
    fi
done
dpkg-query -W -f '${Package} ${Version}\n' postgresql-17 redis-server > $out/opt/backpath/databases.txt
cat $out/opt/backpath/databases.txt
