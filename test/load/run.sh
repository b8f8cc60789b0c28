#!/usr/bin/env bash
# Measures the server with a load generator, on loopback only: each adapter in
# adapters/ with the profiles named on the command line (all by default). Results
# are JSON lines in bin/load.jsonl.
#
#   LOADGEN=/path/to/loadgen test/load/run.sh [profile ...]
#
# The generator is a program of its own, called loadgen, and not part of this
# repository. From an adapter it learns how to start a server, how to connect,
# publish and resume there, and what receipts look like; it plays the clients of a
# profile (connections that idle, fan-out, events to single users, replays, a storm
# of reconnects, publishing to nobody), reads the server's memory and CPU time from
# /proc, and adds a line to the results. "loadgen floor" is a bare server in Go to
# compare with. Without one this script has nothing to run; the adapters say in
# JSON what another generator would have to do. "secret" signs the clients' tokens
# here and nowhere else; "keys" has the hash of the key that publishers send.
set -euo pipefail
cd "$(dirname "$0")"

loadgen=${LOADGEN:-$(command -v loadgen || true)}
if [[ -z $loadgen ]]; then
	echo "test/load: set LOADGEN to the load generator's binary, which is not part of this repository, or put it on PATH" >&2
	exit 1
fi
chmod 600 secret
PATH=$(dirname "$loadgen"):$PATH # the floors are the generator itself
out=../../bin/load.jsonl
profiles=("$@")
if [[ ${#profiles[@]} -eq 0 ]]; then
	profiles=(idle fanout unicast replay storm pubonly)
fi
adapters=${ADAPTERS:-$(cd adapters && ls -- *.json)}

for profile in "${profiles[@]}"; do
	flags=()
	case $profile in
	idle) flags=(-n 10000) ;;
	storm) flags=(-n 5000) ;;
	fanout) flags=(-n "${SUBSCRIBERS:-1000}") ;;
	esac
	for adapter in $adapters; do
		echo "== $profile $adapter" >&2
		timeout 300 "$loadgen" run -server "adapters/$adapter" -profile "$profile" "${flags[@]}" -out "$out" >/dev/null || true
	done
done
"$loadgen" report "$out"
