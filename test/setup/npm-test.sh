#!/usr/bin/env bash
# Builds bin/hubline and runs the tests of the npm clients against it, if Node
# and the clients are here (install.sh).
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=/dev/null
[[ -f bin/test.env ]] && . bin/test.env

if [[ ,${HUBLINE_TEST_SKIP-}, == *,node,* ]]; then
  echo 'npm tests skipped: no node' >&2
  exit 0
fi
for name in ${!HUBLINE_*}; do
  [[ $name == HUBLINE_TEST_* || $name == HUBLINE_SEED ]] || unset "$name"
done
"${GO:-go}" build -o bin/hubline ./cmd/hubline
"${GO:-go}" build -o bin/testhub ./test/npm/hub
export HUBLINE_TEST_HUB=$PWD/bin/testhub
exec npm test --prefix test/npm --silent
