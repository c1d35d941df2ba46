#!/bin/sh
# The main job from beginning to end on the embedded emulator. Nothing outside a temporary folder is touched, and no
# account, key or network is needed. Run by `make demo`; each command is shown before its output.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R "$here/quickstart" "$work/project"
cd "$work/project"
export FCDEPLOY_STATE="$work/state"

run() {
    printf '\n$ %s\n' "$*"
    "$@"
}

# plan --detailed-exitcode: 0 means nothing to do, 2 means changes are pending.
expect() {
    wanted=$1
    shift
    printf '\n$ %s\n' "$*"
    status=0
    "$@" || status=$?
    printf '(exit %s)\n' "$status"
    test "$status" -eq "$wanted" || { echo "expected exit $wanted" >&2; exit 1; }
}

run fcdeploy validate
expect 2 fcdeploy plan --local --detailed-exitcode
run fcdeploy apply --local --yes
expect 0 fcdeploy plan --local --detailed-exitcode

printf '\n# One change: the greeting, in fcdeploy.yaml\n'
sed 's/GREETING: Hello/GREETING: Good morning/' fcdeploy.yaml > changed.yaml && mv changed.yaml fcdeploy.yaml
expect 2 fcdeploy plan --local --detailed-exitcode
run fcdeploy apply --local --yes
run fcdeploy status --local
run fcdeploy destroy --local --yes
