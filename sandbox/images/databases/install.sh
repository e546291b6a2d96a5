#!/bin/sh
# Installs the packages. MIRROR, where it is set, takes the place of the base's own sources.
set -eu

fail() {
    echo "$1" >&2
    exit 1
}

. /etc/os-release
command -v apt-get > /dev/null || fail "The base image has no apt-get to install PostgreSQL and Redis with."
if [ -n "$MIRROR" ]; then
    rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*
    echo "deb $MIRROR $VERSION_CODENAME main" > /etc/apt/sources.list
fi

# What is here now need not be copied later.
find /usr/lib /usr/local/lib -name 'lib*.so*' -printf '%f\n' > /build/libraries-of-the-base

export DEBIAN_FRONTEND=noninteractive
from=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2> /dev/null |
    grep -oE 'https?://[^ ]+' | sort -u | tr '\n' ' ')
fetch="-o Acquire::Retries=3 -o Acquire::http::Timeout=30 -o Acquire::Languages=none"
apt-get $fetch -o APT::Update::Error-Mode=any -qq update ||
    fail "The list of Debian packages could not be fetched from $from"
# Not the cluster that the package would make, nor a server that it would start.
mkdir -p /etc/postgresql-common
echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
apt-get $fetch -y -qq --no-install-recommends install postgresql-17 redis-server > /build/log 2>&1 || {
    tail -n 5 /build/log >&2
    fail "Missing: the Debian packages postgresql-17 and redis-server, from $from"
}
