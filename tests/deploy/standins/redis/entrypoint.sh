#!/bin/sh
# Becomes the server, as its own user. `protected-mode no` as in the image it stands in for:
# other containers are not the loopback device.
set -eu
exec setpriv --reuid=redis --regid=redis --init-groups "$@" --protected-mode no
