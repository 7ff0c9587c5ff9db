#!/usr/bin/env bash
# The step of actions/ab that measures. It fails only if the test could not be asked for: verdict.sh fails by the verdict, when everything is written.
set -euo pipefail

if [ -z "$A" ]; then
  if ! A=$(git merge-base "origin/$BASE" HEAD); then
    echo "::error title=loadlab ab::HEAD has no merge base with origin/$BASE in this clone: check out with fetch-depth 0, or give the input a"
    exit 2
  fi
fi
args=(--a "$A" --b "$B" --stack "$STACK")
mapfile -t modes < <(tr -s ', \n' '\n' <<<"$MODES")
for mode in "${modes[@]}"; do
  [ -z "$mode" ] || args+=(--mode "$mode")
done
mapfile -t phases < <(tr -s ', \n' '\n' <<<"$PHASES")
for phase in "${phases[@]}"; do
  [ -z "$phase" ] || args+=(--phase "$phase")
done
mapfile -t more <<<"$ARGS"
for arg in "${more[@]}"; do
  [ -z "$arg" ] || args+=("$arg")
done

code=0
"$(dirname "$0")/../../.ci/ab" "$OUT" "${args[@]}" -- "$SCENARIO" || code=$?
if [ -n "$PULL_REQUEST" ]; then
  echo "$PULL_REQUEST" >"$OUT/pull-request"
fi
{
  echo "exit-code=$code"
  echo "verdict=$(cat "$OUT/verdict")"
  [ ! -e "$OUT/ab.json" ] || echo "ab-json=$OUT/ab.json"
} >>"$GITHUB_OUTPUT"
{
  cat "$OUT/summary.md"
  printf '\nThe artifact **%s** of this run has what was measured, and the log.\n' "$NAME"
} >>"$GITHUB_STEP_SUMMARY"
