#!/usr/bin/env bash
# Comments what the pull request does to access (offline) and to the live accounts. Needs GITHUB_REPOSITORY, PULL_REQUEST,
# BASE (revision to compare with), `gh`, `jq`. Ends with what forbids the merge: 1 an error, 3 refused or unread.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

auditseal review "$BASE" HEAD --format markdown >"$work/review.md"
review=$?
auditseal plan --detailed-exitcode --format markdown >"$work/plan.md"
plan=$?

for result in review plan; do
    if [ -s "$work/$result.md" ]; then
        bash "$here/comment.sh" "$work/$result.md" || exit 1
    fi
done
[ "$review" -eq 0 ] || exit "$review"
# 2: there is something to change, which is what a pull request is for.
[ "$plan" -eq 2 ] || exit "$plan"
