#!/usr/bin/env bash
# Writes the report of a gate's run as a comment of its pull request, or over the comment that it wrote before: comment.sh FOLDER
#
# The folder is the artifact of a run in which the pull request's own code had its way, so that everything in it may be forged: the number must be that of
# the pull request that the run was for, by what the API says of both, and the text is text. It needs the permission pull-requests: write alone.
set -euo pipefail

marker='<!-- loadlab-gate -->'
folder=$1
refuse() {
  echo "::error title=gate comment::refused: $1"
  exit 1
}

number=$(head -c 12 "$folder/pull-request" | tr '\0' '?')
[[ $number =~ ^[1-9][0-9]{0,8}$ ]] || refuse "the artifact's pull-request is no number"
head=$(gh api "repos/$GITHUB_REPOSITORY/pulls/$number" --jq '.head.repo.full_name, .head.ref, .head.sha')
mapfile -t pull <<<"$head"
[ "${pull[0]}" = "$HEAD_REPOSITORY" ] || refuse "pull request $number is of another repository than the run"
[ "${pull[1]}" = "$HEAD_BRANCH" ] || refuse "pull request $number is of another branch than the run"
if [ "${pull[2]}" != "$HEAD_SHA" ]; then
  echo "::notice title=gate comment::pull request $number has moved on since this run: the next run's comment is the one to read"
  exit 0
fi

body=$(mktemp)
trap 'rm -f "$body"' EXIT
# A forged text could have everybody notified whom it mentions.
text=$(head -c 200000 "$folder/comment.md" | tr -d '\0' | sed 's/@/@<!-- -->/g')
printf '%s\n%s\n\n[The run](%s) measured %s.\n' "$marker" "$text" "$RUN_URL" "$HEAD_SHA" >"$body"
if [ "$(wc -c <"$body")" -gt 65536 ]; then
  printf '%s\nThe report is too long for a comment: [the run](%s) has it in its summary.\n' "$marker" "$RUN_URL" >"$body"
fi

# Anybody can write a comment that begins with the marker.
old=$(gh api --paginate "repos/$GITHUB_REPOSITORY/issues/$number/comments?per_page=100" \
  --jq '.[] | select(.user.login == "github-actions[bot]" and (.body | startswith("'"$marker"'"))) | .id' | sed -n 1p)
if [ -n "$old" ]; then
  gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$old" -F "body=@$body" --jq .html_url
else
  gh api --method POST "repos/$GITHUB_REPOSITORY/issues/$number/comments" -F "body=@$body" --jq .html_url
fi
