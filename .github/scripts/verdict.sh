#!/usr/bin/env bash
# The step of actions/ab that fails the job by the verdict. The annotation has the sentence of the report, which is its third line.
set -euo pipefail

sentence=$(sed -n '3{s/^\*\*\(.*\)\*\*$/\1/;s/\\\(.\)/\1/g;s/%/%25/g;p}' "$OUT/summary.md")
case $EXIT_CODE in
  0) exit 0 ;;
  3)
    echo "::warning title=loadlab ab: INCONCLUSIVE::$sentence"
    [ "$FAIL_ON_INCONCLUSIVE" = true ] || exit 0
    ;;
  *) echo "::error title=loadlab ab: $VERDICT::$sentence" ;;
esac
exit "$EXIT_CODE"
