#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The zc tier: boots the guests of plan.sh, two at a time where there are two processors (a guest
# keeps about one busy). test/run.sh runs it; by itself it prints a line per test. Exit status 0
# when all passed, 1 when not, 77 when nothing could run.
set -u -o pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
BUILD=${BUILD:-$ROOT/build}
LOGS=$BUILD/test-logs
LANES=${ZC_LANES:-$(($(nproc) > 1 ? 2 : 1))}
filter='*' list='' report='' only='' extra='' ifaces='' names=''

usage() {
	cat <<-END
	usage: test/zc/run.sh [options]
	  --guest NAME     only this guest of test/zc/plan.sh
	  --filter GLOB    only tests whose name, zc/GUEST/TEST, matches
	  --extra          also the guests that the tier leaves out for time
	  --list           print the names, run none
	  --report         a line per test for test/run.sh: name, status, seconds, log, by tabs
	  --ifaces A,B     no guest: the tests on two interfaces of this machine that are connected
	END
	exit "$1"
}

while [ $# -gt 0 ]; do
	case $1 in
	--guest) only=${2:?} && shift ;;
	--filter) filter=${2:?} && shift ;;
	--extra) extra=1 ;;
	--list) list=1 ;;
	--report) report=1 ;;
	--names) names=1 ;;
	--ifaces) ifaces=${2:?} && shift ;;
	-h | --help) usage 0 ;;
	*) usage 2 ;;
	esac
	shift
done
passed=0 failed=0 skipped=0 last_skip=''

# result NAME STATUS SECONDS LOG: count one test and print it.
result() {
	local word reason=''
	case $2 in
	0) word=PASS passed=$((passed + 1)) ;;
	77)
		word=SKIP skipped=$((skipped + 1))
		reason=$(sed -n 's/^\([0-9]* \)\?SKIP: *//p' "$4" 2>/dev/null | tail -n 1)
		last_skip=$reason
		;;
	*) word=FAIL failed=$((failed + 1)) ;;
	esac
	if [ -n "$report" ]; then
		printf '%s\t%s\t%s\t%s\n' "$@"
		return
	fi
	printf '%-4s  %-44s %6s s  %s\n' $word "$1" "$3" "$reason"
	[ $word != FAIL ] || grep -vE '^([0-9]+ )?ok - ' "$4" | tail -n 40 | sed 's/^/      | /'
}

# name_of GUEST TEST: without blanks, and plain enough for a file.
name_of() {
	local text=${2//_/-}
	text=${text// /-}
	text=${text//---/-}
	echo "zc/$1/${text//+/-}"
}

# guest_results GUEST OUT TEST...: one result for each test, whatever became of the guest.
guest_results() {
	local name=$1 out=$2 rc took what number=0
	shift 2
	while read -r rc took what; do
		number=$((number + 1))
		result "$(name_of "$name" "$what")" "$rc" "$took" "$out/$number.log"
	done <"$out/results"
	shift $number
	for what; do
		result "$(name_of "$name" "$what")" "$no_results" 0 "$out.txt"
	done
}

# guest NAME OPTIONS -- TEST...: one boot of what was asked for; called by plan.sh.
guest() {
	local name=$1 opts=() tests=() out=$LOGS/zc-$1 status=0 test
	shift
	[ -z "$only" ] || [ "$only" = "$name" ] || return 0
	while [ "$1" != -- ]; do
		opts+=("$1")
		shift
	done
	shift
	for test; do
		# shellcheck disable=SC2053 # a pattern on purpose
		[[ $(name_of "$name" "$test") == $filter ]] && tests+=("$test")
	done
	[ ${#tests[@]} != 0 ] || return 0
	if [ -n "$names" ]; then
		echo "$name"
		return 0
	fi
	if [ -n "$list" ]; then
		for test in "${tests[@]}" kernel-log; do
			name_of "$name" "$test"
		done
		return 0
	fi
	rm -rf "$out"
	"$HERE/lab.sh" run "${opts[@]}" --out "$out" "${tests[@]}" >"$out.txt" 2>&1 || status=$?
	mkdir -p "$out" && touch "$out/results"
	# Without a guest everything is skipped; tests that a guest did not come to have failed.
	no_results=1
	if [ $status = 77 ] && [ ! -e "$out/dmesg" ]; then
		no_results=77
		cp "$out.txt" "$out/faults"
	fi
	guest_results "$name" "$out" "${tests[@]}"
	status=$no_results
	[ ! -e "$out/dmesg" ] || { [ -s "$out/faults" ] || status=0; }
	result "$(name_of "$name" kernel-log)" $status 0 "$out/faults"
}

mkdir -p "$LOGS"
if [ -n "$ifaces" ]; then
	# shellcheck source=test/zc/ifaces.sh
	. "$HERE/ifaces.sh"
elif [ -n "$only$list$names" ]; then
	# shellcheck source=test/zc/plan.sh
	. "$HERE/plan.sh"
	[ -z "$extra" ] || plan_extra
else
	# Each guest by a process of its own; their results come together here.
	more=(--filter "$filter" ${extra:+--extra})
	while IFS=$'\t' read -r name status took log; do
		result "$name" "$status" "$took" "$log"
	done < <("$0" --names "${more[@]}" |
		xargs -r -P "$LANES" -I '{}' "$0" --report "${more[@]}" --guest '{}')
fi
[ -z "$list$names" ] || exit 0
[ -n "$report" ] || echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ] || exit 1
[ $passed = 0 ] || exit 0
[ -n "$report" ] || echo "SKIP: ${last_skip:-nothing ran}"
exit 77
