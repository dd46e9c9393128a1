#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The zc tier: boots the guests it needs one after the other and prints one line per kernel, driver,
# queues and test. The same as a table goes to build/test-logs/zc-matrix.md. Exit status 0 when all
# passed, 1 when not, 77 when nothing could run.
#
#   test/zc/run.sh [--quick]      --quick: the first guest only
set -u -o pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
BUILD=${BUILD:-$ROOT/build}
LOGS=$BUILD/test-logs
TABLE=$LOGS/zc-matrix.md
passed=0
failed=0
skipped=0
last_skip=

# guest NAME OPTIONS -- TEST...: one boot.
guest() {
	local name=$1 opts=() status=0 rc took kernel test result what
	shift
	while [ "$1" != -- ]; do
		opts+=("$1")
		shift
	done
	shift
	"$HERE/lab.sh" run "${opts[@]}" --out "$LOGS/zc-$name" "$@" >"$LOGS/zc-$name.txt" 2>&1 ||
		status=$?
	grep -v '^==' "$LOGS/zc-$name.txt"
	if [ $status = 77 ] && [ ! -s "$LOGS/zc-$name/results" ]; then
		skipped=$((skipped + 1))
		last_skip=$(sed -n 's/^SKIP: *//p' "$LOGS/zc-$name.txt" | tail -n 1)
		return
	fi
	kernel=$(cat "$LOGS/zc-$name/release" 2>/dev/null || echo "?")
	[ $status = 0 ] || [ $status = 77 ] || failed=$((failed + 1))
	while read -r rc took test what; do
		case $rc in
		0) result=pass passed=$((passed + 1)) ;;
		77) result=skip skipped=$((skipped + 1)) ;;
		*) result=FAIL ;;
		esac
		echo "| $name | $kernel | $test | $what | $result | $took |" >>"$TABLE"
	done <"$LOGS/zc-$name/results"
}

mkdir -p "$LOGS"
{
	echo "| guest | kernel | test | driver, queues, mode | result | seconds |"
	echo "|---|---|---|---|---|---|"
} >"$TABLE"

guest zero-copy --nics igb,virtio --limit 500 -- "forward igb 1" "forward igb 2" "forward igb 4" \
	"forward virtio 1" "through virtio igb 1" "release igb 2" "release virtio 1" \
	"dispatcher virtio" "busy igb 2" "busy igb 8" "busy virtio 1"
if [ "${1-}" != --quick ]; then
	guest multiqueue --nics virtio-mq --limit 200 -- "forward virtio-mq 2"
	guest iommu --nics igb,virtio --iommu --limit 300 -- "iommu igb" "iommu virtio"
	guest passthrough --nics igb --iommu pt --limit 200 -- "forward igb 1"
	guest plain --nics virtio-plain --limit 200 -- \
		"forward virtio-plain 1 native_copy ACCESS_PLATFORM"
	guest k6.12 --kernel 6.12 --nics igb,virtio --limit 300 -- "forward igb 2 native_copy" \
		"forward virtio 1 native_copy" "forward veth 1 native_copy" "program prog" \
		"program prog_object" "dispatcher veth"
	guest k6.1 --kernel 6.1 --nics igb,virtio --limit 300 -- "forward igb 2 native_copy" \
		"forward virtio 1 native_copy" "forward veth 1 native_copy" "program prog"
fi

echo "$passed passed, $failed guests with failures, $skipped skipped; ${TABLE#"$ROOT/"}"
[ $failed = 0 ] || exit 1
[ $passed != 0 ] && exit 0
echo "SKIP: ${last_skip:-nothing ran}"
exit 77
