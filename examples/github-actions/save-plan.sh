#!/usr/bin/env bash
# save-plan.sh FILE: saves the plan, shows it in the summary of the job, and says in its outputs whether it changes anything.
set -uo pipefail
auditseal plan --detailed-exitcode --out "$1" --format markdown >>"$GITHUB_STEP_SUMMARY"
code=$?
case $code in
0) echo "changes=false" >>"$GITHUB_OUTPUT" ;;
2) echo "changes=true" >>"$GITHUB_OUTPUT" ;;
*) exit "$code" ;;
esac
