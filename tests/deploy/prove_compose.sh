#!/usr/bin/env bash
# Brings docker-compose.yml up for real, uses it as a learner would, kills a worker in the middle
# of a job, and takes everything down again. Takes some minutes and needs Docker with Compose 2;
# it is no part of ./dev test.
#
#   tests/deploy/prove_compose.sh
#
# Where PostgreSQL's and Redis's images cannot be had, stand-ins are built from Debian's packages.
set -euo pipefail
cd "$(dirname "$0")/../.."

project=backpath-proof-$$
work=$(mktemp -d)
export PROOF_USER=ada PROOF_PASSWORD=a-long-Phrase-for-one-proof-$$
python=.venv/bin/python

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
compose() { docker compose --progress quiet --project-name "$project" --env-file "$work/env" "$@"; }
grading_host() {
    docker compose --progress quiet --project-name "$project-grader" --env-file "$work/grader/env" \
        -f docker-compose.yml -f deploy/compose.grading-host.yml -f "$work/grader/volume.yml" "$@"
}
query() { compose exec -T postgres psql --username backpath --tuples-only --no-align --command "$1"; }
clean_up() {
    status=$?
    if [ "$status" != 0 ] && [ -f "$work/env" ]; then
        compose ps --all || true
        query "select attempt, state, error_detail from grading_gradingjob" || true
        compose logs --tail 30 || true
    fi
    [ ! -f "$work/grader/env" ] || grading_host down --volumes --timeout 20 >/dev/null 2>&1 || true
    [ ! -f "$work/env" ] || compose down --volumes --timeout 20 >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap clean_up EXIT

docker compose version >/dev/null 2>&1 ||
    fail "Docker Compose 2 is missing (Debian and Ubuntu package it as docker-compose or docker-compose-v2)."

say "images"
./dev images --platform
database=postgres:17 broker=redis:8
if ! docker pull --quiet "$database" >/dev/null 2>&1 || ! docker pull --quiet "$broker" >/dev/null 2>&1; then
    echo "No registry answers; building stand-ins from Debian's packages."
    base=$(PYTHONPATH=platform "$python" -c '
from backpath.cli import docker_api, image_base
print(image_base.source_image(docker_api.connect()))')
    for name in postgres redis; do
        docker build --quiet --build-arg BASE="$base" --tag "backpath/standin-$name:trixie" \
            "tests/deploy/standins/$name" 2>/dev/null
    done
    database=backpath/standin-postgres:trixie broker=backpath/standin-redis:trixie
fi

say "it refuses to start without names and without secrets"
printf '' >"$work/env"
said=$(BACKPATH_ENV_FILE=$work/env compose up --detach 2>&1) && fail "it started without ALLOWED_HOSTS"
grep -q "Say in .env under which names the site is reached" <<<"$said" || fail "unclear: $said"
port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$work/env" <<END
ALLOWED_HOSTS=localhost,127.0.0.1
BACKPATH_ENV_FILE=$work/env
BACKPATH_SECRETS_DIR=$work/secrets
BACKPATH_PORT=$port
BACKPATH_POSTGRES_IMAGE=$database
BACKPATH_REDIS_IMAGE=$broker
END
said=$(compose up --detach 2>&1) && fail "it started without secrets"
grep -q "$work/secrets" <<<"$said" || fail "unclear: $said"
echo "  ok  both refusals say what is missing"
compose down --volumes >/dev/null 2>&1

say "up"
deploy/make-secrets "$work/secrets"
started=$SECONDS
compose up --detach --wait
echo "  ok  everything is healthy after $((SECONDS - started)) s"
grep -q "Created the administrator" <<<"$(compose logs setup)" || fail "no administrator was created"
echo "  ok  set-up migrated, loaded the content and created an administrator"

say "who holds what"
for service in web sweeper worker setup postgres redis; do
    container=$(compose ps --all --quiet "$service")
    mounts=$(docker inspect --format '{{range .Mounts}}{{.Destination}} {{end}}' "$container")
    case "$service $mounts" in
        worker*docker.sock*) ;;
        worker*) fail "the worker has no Docker socket" ;;
        *docker.sock*) fail "$service has the Docker socket" ;;
    esac
    environment=$(docker inspect --format '{{json .Config.Env}}' "$container")
    for secret in secret_key postgres_password redis_password; do
        if grep -qF "$(cat "$work/secrets/$secret")" <<<"$environment"; then
            fail "$secret is in the environment of $service"
        fi
    done
done
echo "  ok  the worker alone has the Docker socket; no secret is in an environment"
[ "$(compose exec -T web id -u)" = 10000 ] || fail "the web process is root"
compose exec -T web touch /srv/backpath/x 2>/dev/null && fail "the web process can write to its image"
identity=$(compose exec -T worker sh -c 'for p in /proc/[0-9]*; do
    grep -qa celery "$p/cmdline" && grep -h "^\(Uid\|CapEff\|NoNewPrivs\)" "$p/status"; done' | sort -u | tr -s '\t\n' ' ')
grep -q "Uid: 10000 10000 10000 10000" <<<"$identity" || fail "the worker runs as $identity"
grep -q "CapEff: 0000000000000000 " <<<"$identity" || fail "the worker has capabilities: $identity"
echo "  ok  web and worker run as user 10000 without capabilities; web cannot write to its image"

say "the way of a learner"
"$python" tests/deploy/proof.py "http://127.0.0.1:$port/"

say "a worker is killed in the middle of a job"
path=$("$python" tests/deploy/proof.py "http://127.0.0.1:$port/" hand-in | tail -n 1)
submission=$(sed 's#^/submissions/\([0-9a-f-]*\)/.*#\1#' <<<"$path")
for _ in $(seq 100); do
    [ "$(query "select count(*) from grading_gradingjob where submission_id = '$submission' and state = 'running'")" != 1 ] || break
    sleep 0.1
done
[ "$(query "select count(*) from grading_gradingjob where submission_id = '$submission' and state = 'running'")" = 1 ] ||
    fail "the job was never seen running"
compose kill worker >/dev/null 2>&1
compose start worker >/dev/null 2>&1
"$python" tests/deploy/proof.py "http://127.0.0.1:$port/" await "$path"
[ "$(query "select count(*) from grading_report r join grading_gradingjob j on j.id = r.job_id where j.submission_id = '$submission'")" = 1 ] ||
    fail "there is not exactly one report"
query "select attempt, state from grading_gradingjob where submission_id = '$submission' order by attempt" | sed 's/^/      job /'
echo "  ok  exactly one report"

say "a grading host of its own"
address=$(docker network inspect "${project}_outside" --format '{{(index .IPAM.Config 0).Gateway}}')
free_port() { "$python" -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])'; }
cat >>"$work/env" <<END
BACKPATH_PRIVATE_ADDRESS=$address
BACKPATH_DATA_EXPORT=/unused
BACKPATH_POSTGRES_PORT=$(free_port)
BACKPATH_REDIS_PORT=$(free_port)
END
compose -f docker-compose.yml -f deploy/compose.main-host.yml up --detach --wait >/dev/null 2>&1
compose stop worker >/dev/null 2>&1
# The other host: a second project, which has nothing of the first but what it is given.
. "$work/env"
cp -r "$work/secrets" "$work/grader"
for secret in database_url:postgres:5432:$BACKPATH_POSTGRES_PORT redis_url:redis:6379:$BACKPATH_REDIS_PORT; do
    IFS=: read -r file name inner outer <<<"$secret"
    sed "s/@$name:$inner/@$address:$outer/" "$work/secrets/$file" >"$work/grader/$file.new"
    chmod 0444 "$work/grader/$file.new"
    mv -f "$work/grader/$file.new" "$work/grader/$file"
done
sed "s#^\(BACKPATH_SECRETS_DIR\)=.*#\1=$work/grader#" "$work/env" >"$work/grader/env"
# On one machine the volume itself stands in for its export.
printf 'volumes: {data: !override {external: true, name: %s_data}}\n' "$project" >"$work/grader/volume.yml"
grading_host up --detach --wait --no-deps worker >/dev/null 2>&1 || fail "the grading host's worker is not healthy"
far=$("$python" tests/deploy/proof.py "http://127.0.0.1:$port/" hand-in | tail -n 1)
"$python" tests/deploy/proof.py "http://127.0.0.1:$port/" await "$far"
host=$(grading_host exec -T worker hostname)
[ "$(query "select count(*) from grading_gradingjob where worker like 'celery@$host/%' and state = 'finished'")" = 1 ] ||
    fail "the grading host did not grade it"
echo "  ok  graded on the other host"
grading_host down --volumes --timeout 30 >/dev/null 2>&1

say "down and up again keeps everything"
compose down --timeout 30 >/dev/null 2>&1
compose up --detach --wait >/dev/null 2>&1
"$python" tests/deploy/proof.py "http://127.0.0.1:$port/" await "$path"
grep -q "Created the administrator" <<<"$(compose logs setup)" && fail "a second administrator was created"
echo "  ok  no second administrator"

say "proved"
