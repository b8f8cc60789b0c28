#!/usr/bin/env bash
# Runs the tests of the npm clients against bin/hubline, if they are here.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=/dev/null
[[ -f bin/test.env ]] && . bin/test.env

if [[ ! -f test/npm/package.json ]]; then
  exit 0
fi
if [[ ,${HUBLINE_TEST_SKIP-}, == *,node,* ]]; then
  echo 'npm tests skipped: no node' >&2
  exit 0
fi
for name in ${!HUBLINE_*}; do
  [[ $name == HUBLINE_TEST_* || $name == HUBLINE_SEED ]] || unset "$name"
done
exec npm test --prefix test/npm --silent
