#!/usr/bin/env bash
# Compares what a publish to one user costs between servers, on a machine whose speed
# changes from minute to minute: all run at once, and their generators take turns of a
# third of a second, so that each gets its share of good and bad moments. The servers
# are not stopped: what they do when at rest counts as theirs. On stdout, a line for each:
# CPU a message in µs, and the multiple of the first one's.
#
#   LOADGEN=/path/to/loadgen test/load/compare.sh [adapter[@binary] ...]
#
# PUBLISHERS (32) have one publish under way each, for SHARE (3) seconds a server.
# A binary, with its whole path, is another build to compare with; bin/hubline is meant
# otherwise. See run.sh for the generator.
set -euo pipefail
cd "$(dirname "$0")"

loadgen=${LOADGEN:-$(command -v loadgen || true)}
if [[ -z $loadgen ]]; then
	echo "test/load: set LOADGEN to the load generator's binary, or put it on PATH" >&2
	exit 1
fi
chmod 600 secret
PATH=$(dirname "$loadgen"):$PATH # the floors are the generator itself
servers=("$@")
if [[ ${#servers[@]} -eq 0 ]]; then
	servers=(floor-std-ws ws ws-disk)
fi
share=${SHARE:-3}
work=$(mktemp -d)
pids=()
set -m # a process group for each generator and the server that it starts
finish() {
	for pid in "${pids[@]}"; do
		kill -CONT "$pid" 2>/dev/null || true
		kill -- "-$pid" 2>/dev/null || true
	done
	wait 2>/dev/null || true
	rm -rf "$work"
}
trap finish EXIT

# Each has a port and a log of its own.
for i in "${!servers[@]}"; do
	name=${servers[i]%%@*} binary=../../bin/hubline port=$((8130 + i))
	if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
		echo "test/load: something answers on port $port already" >&2
		exit 1
	fi
	if [[ ${servers[i]} == *@* ]]; then
		binary=${servers[i]#*@}
	fi
	sed -e "s#127\.0\.0\.1:81[12]0#127.0.0.1:$port#" -e "s#\.\./\.\./run/load-data#$work/data$i#" \
		-e "s#\.\./\.\./bin/hubline#$binary#" "adapters/$name.json" >"$work/$i.json"
	"$loadgen" run -server "$work/$i.json" -profile unicast -dur "$((share * ${#servers[@]}))s" -rate 50 \
		-pubs "${PUBLISHERS:-32}" >"$work/$i.out" 2>"$work/$i.err" &
	pids+=($!)
done
sleep 4 # all are connected
kill -STOP "${pids[@]}" 2>/dev/null || true

running=1
while ((running)); do
	running=0
	for pid in "${pids[@]}"; do
		if kill -CONT "$pid" 2>/dev/null; then
			running=1
			sleep 0.33
			kill -STOP "$pid" 2>/dev/null || true
		fi
	done
done

first=
for i in "${!servers[@]}"; do
	cost=$(sed -n 's/.*"sat_cpu_us_per_msg": *\([0-9.]*\).*/\1/p' "$work/$i.out")
	if [[ -z $cost ]]; then
		echo "test/load: nothing was measured of ${servers[i]}:" >&2
		cat "$work/$i.err" >&2
		exit 1
	fi
	first=${first:-$cost}
	awk -v name="${servers[i]}" -v cost="$cost" -v first="$first" 'BEGIN { printf "%-20s %6.1f µs %6.2f\n", name, cost, cost / first }'
done
