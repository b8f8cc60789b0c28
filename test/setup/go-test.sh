#!/usr/bin/env bash
# Runs the Go tests of the packages given (all by default), as bin/test.env of
# install.sh allows: all with the race detector, then once more without it those
# of unraced.txt, which measure what the detector changes.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=/dev/null
[[ -f bin/test.env ]] && . bin/test.env
go=${GO:-go}

# Settings of a server that runs here must not reach the tests.
for name in ${!HUBLINE_*}; do
  [[ $name == HUBLINE_TEST_* || $name == HUBLINE_SEED ]] || unset "$name"
done

race=${HUBLINE_TEST_RACE--race}
# Parallel tests mostly wait for servers and timers, not for a processor.
# shellcheck disable=SC2086 -- empty means no argument
"$go" test $race -timeout=30m -shuffle=on -parallel=6 "${@:-./...}"
[[ -n $race ]] || exit 0

packages=() names=()
given=" $("$go" list "${@:-./...}" | tr '\n' ' ')"
module=$("$go" list -m)
while read -r package name; do
  [[ $given == *" $module/$package "* ]] || continue
  packages+=("./$package")
  names+=("$name")
done <test/setup/unraced.txt
if ((${#packages[@]} > 0)); then
  printf '== without the race detector\n'
  # One package at a time: they measure memory and time.
  "$go" test -count=1 -p=1 -run "^($(IFS='|'; printf '%s' "${names[*]}"))\$" $(printf '%s\n' "${packages[@]}" | sort -u)
fi
