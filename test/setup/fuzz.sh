#!/usr/bin/env bash
# Runs each fuzz target of the packages given (all by default) for $FUZZTIME,
# one after the other. A failing input stays in the package's testdata.
set -euo pipefail
cd "$(dirname "$0")/../.."
go=${GO:-go}

for package in $("$go" list "${@:-./...}"); do
  for target in $("$go" test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
    printf '== %s %s\n' "$package" "$target"
    "$go" test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-10s}" "$package"
  done
done
