#!/bin/sh
# Gives every source of Python 3.13 the same shape: two users without a
# password, compiled standard library, no installer, no setuid bit, no caches.
set -eu

python=$(command -v python3.13)
stdlib=$("$python" -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')

add_user() {
    echo "$1:x:$2:$2::/nonexistent:/usr/sbin/nologin" >> /etc/passwd
    echo "$1:x:$2:" >> /etc/group
}
add_user backpath-runner 10001
add_user backpath-app 10002

# An installer that learner code could import is one more thing that differs
# between sources; the build brings its own pip and leaves none behind.
rm -rf "$stdlib/ensurepip" "$stdlib"/site-packages/pip "$stdlib"/site-packages/pip-*.dist-info
rm -f /usr/local/bin/pip /usr/local/bin/pip3 /usr/local/bin/pip3.13

rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* /tmp/* /root/.[!.]*
rm -rf /usr/share/doc/* /usr/share/man/* /usr/share/info/* /usr/share/locale/*
rm -rf /etc/profile /etc/profile.d /etc/skel /etc/bash.bashrc /etc/machine-id
rm -rf "$stdlib/test" "$stdlib/idlelib" "$stdlib/turtledemo"

# The root file system is read-only at run time, so bytecode that is missing or
# stale now would be compiled again by every job.
find "$stdlib" -name __pycache__ -prune -exec rm -rf {} +
"$python" -m compileall -q --invalidation-mode unchecked-hash "$stdlib"
"$python" -c 'import ssl, sqlite3, ctypes, lzma, bz2, zoneinfo; zoneinfo.ZoneInfo("Europe/Paris")'

find / -xdev -perm /6000 -exec chmod a-s {} +
rm -f /prepare.sh
