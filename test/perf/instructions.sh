#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Instructions a packet of the bursts, counted by callgrind, against those written down in
# instructions.txt: over 5 % more fails, with the figures side by side. The counts are the same on
# every run, whatever else the machine does, but belong to one compiler.
#
#   test/perf/instructions.sh PROGRAM COMPILER [--write]
set -u -o pipefail

program=${1:?program} compiler=${2:?compiler}
here=$(cd "$(dirname "$0")" && pwd)
known=$here/instructions.txt
bursts=600
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

skip() {
	echo "SKIP: $*"
	exit 77
}

command -v valgrind >/dev/null || skip "needs valgrind"
if [ "${3-}" != --write ]; then
	grep -qxF "# $compiler" "$known" ||
		skip "counts are for $(sed -n 's/^# \(gcc.*\)/\1/p' "$known"), here is $compiler"
fi

# count KIND BURST: instructions a packet.
count() {
	valgrind --tool=callgrind --callgrind-out-file="$out/calls.$1.$2" \
		--toggle-collect=xsk_rx_burst \
		--toggle-collect=xsk_tx_burst "$program" "$1" "$2" $bursts >"$out/log" 2>&1 || {
		cat "$out/log" >&2
		return 1
	}
	awk -v n=$((bursts * $2)) '/Collected/ { printf "%.2f\n", $NF / n }' "$out/log"
}

status=0
{
	echo "# Instructions a packet, by kind and burst; written by instructions.sh --write"
	echo "# $compiler"
} >"$out/new"
for kind in rx tx forward; do
	for burst in 32 4; do
		now=$(count $kind $burst) || exit 1
		[ -n "$now" ] || { echo "callgrind counted nothing for $kind $burst" >&2; exit 1; }
		echo "$kind $burst $now" >>"$out/new"
	done
done
if [ "${3-}" = --write ]; then
	cp "$out/new" "$known"
	exit 0
fi
while read -r kind burst now; do
	was=$(awk -v k="$kind" -v b="$burst" '$1 == k && $2 == b { print $3 }' "$known")
	printf '%-8s burst %2d: %6.2f, written down %6.2f\n' "$kind" "$burst" "$now" "${was:-0}"
	awk -v n="$now" -v w="${was:-0}" 'BEGIN { exit !(w > 0 && n <= w * 1.05) }' || {
		echo "not ok - over 5 % more; if it is meant:" \
			"instructions.sh PROGRAM COMPILER --write"
		callgrind_annotate --auto=no "$out/calls.$kind.$burst" 2>/dev/null |
			grep -E '^ *[0-9,]+ \(' | head -12
		status=1
	}
done < <(grep -v '^#' "$out/new")
exit $status
