#!/bin/sh
# Makes /opt/backpath/venv from the wheels of the build context, checked against the hashes of
# requirements.txt. There is no network while an image is built, and no pip in it afterwards
# unless the requirements name it.
set -eu

python=/opt/backpath/venv/bin/python
python3.13 -m venv --without-pip /opt/backpath/venv
PYTHONPATH=$(echo /wheels/pip-*.whl) "$python" -m pip install \
    --no-index --find-links /wheels --require-hashes --no-compile --no-cache-dir \
    --disable-pip-version-check --root-user-action ignore --quiet \
    --requirement /wheels/requirements.txt
rm -rf /opt/backpath/venv/bin/[Aa]ctivate*
"$python" -m compileall -q --invalidation-mode unchecked-hash /opt/backpath/venv/lib
