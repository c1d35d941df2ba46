#!/bin/sh
# Compare live with the file, and tell when they differ: for cron, a timer or a CronJob.
#
#   fcdeploy-drift.sh FOLDER TARGET
#
# FOLDER is a checkout with the spec in it. Nothing is printed and the exit code is 0 when nothing differs; cron then
# mails nothing. Else the report is printed, goes to FCDEPLOY_DRIFT_WEBHOOK as {"text": "..."} where that is set, and
# the exit code is that of `fcdeploy drift`: 2 when something differs, anything else when it could not be compared.
set -eu

folder=$1
target=$2
told=$(mktemp -d)
trap 'rm -rf "$told"' EXIT

cd "$folder"
if [ -n "${FCDEPLOY_DRIFT_PULL:-}" ]; then
    git pull --quiet --ff-only
fi

status=0
fcdeploy drift --target "$target" --report "markdown=$told/drift.md" > "$told/drift.txt" 2> "$told/errors.txt" ||
    status=$?
if [ "$status" -eq 0 ]; then
    exit 0
fi

cat "$told/drift.txt" "$told/errors.txt"
if [ -n "${FCDEPLOY_DRIFT_WEBHOOK:-}" ]; then
    report="$told/drift.md"
    test -f "$report" || report="$told/errors.txt"
    python3 -c 'import json, sys; print(json.dumps({"text": sys.stdin.read()}))' < "$report" > "$told/message.json"
    curl --silent --show-error --fail --retry 3 --output /dev/null \
        --header 'Content-Type: application/json' --data-binary "@$told/message.json" "$FCDEPLOY_DRIFT_WEBHOOK"
fi
exit "$status"
