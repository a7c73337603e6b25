#!/usr/bin/env bash
# comment.sh FILE: puts the Markdown of FILE into the comment of the pull request that begins with the same marker (first
# line of FILE), or into a new one.
set -euo pipefail
file=$1
marker=$(head -n 1 "$file")
case $marker in
'<!-- auditseal:'*' -->') ;;
*)
    echo "error: $file does not begin with a marker of auditseal" >&2
    exit 1
    ;;
esac
comments="repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments"
# Only the workflow's own comments: anybody may write a marker.
# shellcheck disable=SC2016 # the variable is jq's
mine='.[] | select(.user.login == "github-actions[bot]") | select(.body | startswith($marker)) | .id'
id=$(gh api --paginate "$comments" | jq -r --arg marker "$marker" "$mine" | head -n 1)
body=$(mktemp)
trap 'rm -f "$body"' EXIT
jq -Rs '{body: .}' "$file" >"$body"
if [ -n "$id" ]; then
    gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" --input "$body" >/dev/null
else
    gh api --method POST "$comments" --input "$body" >/dev/null
fi
