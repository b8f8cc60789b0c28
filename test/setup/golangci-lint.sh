#!/usr/bin/env bash
# Prints the path of golangci-lint in the version used here. It must have been
# built with the Go that is installed, else it cannot read the code; if there is
# none, one is built into bin/tools, which takes some minutes once.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=2.15.0
go=${GO:-go}

goversion=$("$go" env GOVERSION)
for candidate in "$PWD/bin/tools/golangci-lint" "$("$go" env GOPATH)/bin/golangci-lint" "$(command -v golangci-lint || true)"; do
  if [[ -x $candidate && $("$candidate" version 2>/dev/null) == *"version $version built with $goversion "* ]]; then
    printf '%s\n' "$candidate"
    exit 0
  fi
done

echo "building golangci-lint $version into bin/tools" >&2
GOBIN=$PWD/bin/tools "$go" install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$version" >&2
printf '%s\n' "$PWD/bin/tools/golangci-lint"
