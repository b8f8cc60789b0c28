#!/usr/bin/env bash
# Runs the Go tests of the packages given (all by default), as bin/test.env of
# install.sh allows.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=/dev/null
[[ -f bin/test.env ]] && . bin/test.env

# Settings of a server that runs here must not reach the tests.
for name in ${!HUBLINE_*}; do
  [[ $name == HUBLINE_TEST_* || $name == HUBLINE_SEED ]] || unset "$name"
done

# shellcheck disable=SC2086 -- empty means no argument
# Parallel tests mostly wait for servers and timers, not for a processor.
exec "${GO:-go}" test ${HUBLINE_TEST_RACE--race} -shuffle=on -parallel=6 "${@:-./...}"
