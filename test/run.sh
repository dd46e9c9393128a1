#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Runs the tests, from a fresh Debian on: packages, driver headers, builds, every tier. The last
# line is the result, "N passed, N failed, N skipped"; the exit status is 0 when none failed and
# some passed. How tests are written: test/README.md.
set -u -o pipefail

ROOT=$(cd "$(dirname "$0")/.." && pwd)
cd "$ROOT" || exit 1
# shellcheck source=app/setup.sh
. "$ROOT/app/setup.sh"
PATH=$PATH:/usr/sbin:/sbin
export BUILD=${BUILD:-$ROOT/build}
LOGS=$BUILD/test-logs
SHELL_TIERS="lint net pmd"    # folders of test/ with shell tests

usage() {
	cat <<-END
	usage: test/run.sh [options]      (as root; without options: everything)
	  --tier T[,T]     only these: build, clang, sanitize, lint, unit, bpf, pmd, net, kill,
	                   peer, zc
	  --filter GLOB    only tests whose name (tier/name) matches
	  --list           print the names of the tests, run none
	  --keep           a failed shell test waits with everything in place, to be looked into
	  --sanitize       the same as --tier sanitize: unit tests with ASan and UBSan
	  --clang          the same as --tier clang: the build with clang, -Werror
	Environment: BUILD (build folder), PMD (xsk, af_xdp, af_packet: driver of the shell tests).
	END
}

passed=0
failed=0
skipped=0
tiers=
filter='*'
list=
unlisted=
failures=()

# shellcheck disable=SC2317 # called by trap
finish() {
	local status=$? f
	trap - EXIT
	hugepages_give_back
	[ -z "$list" ] || exit "$status"
	[ "$status" = 0 ] || failed=$((failed + 1))
	for f in "${failures[@]}"; do
		echo "failed: $f"
	done
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
	exit $?
}

# in_tier TIER: was it asked for.
in_tier() {
	[ -z "$tiers" ] || [[ ,$tiers, == *,$1,* ]]
}

# result NAME STATUS SECONDS LOG: count and print one result.
result() {
	case $2 in
	0)
		passed=$((passed + 1))
		printf 'PASS  %-44s %6.1f s\n' "$1" "$3"
		;;
	77)
		skipped=$((skipped + 1))
		printf 'SKIP  %-44s %s\n' "$1" \
			"$(sed -n 's/^\([0-9]* \)\?SKIP: *//p' "$4" | tail -n 1)"
		;;
	*)
		failed=$((failed + 1))
		failures+=("$1")
		printf 'FAIL  %-44s %6.1f s  status %s, %s\n' "$1" "$3" "$2" "${4#"$ROOT/"}"
		tail -n 60 "$4" | sed 's/^/      | /'
		;;
	esac
}

# kernel_log_since MARKER: lines after it that speak of a fault of the kernel.
kernel_log_since() {
	dmesg 2>/dev/null | awk -v m="$1" 'index($0, m) { seen = 1; next } seen' |
		grep -E 'WARNING:|BUG:|Oops|general protection|refcount_t:|SAN: |stall|hung_task'
}

# left_behind LOG: add what is there now and was not at the last call to LOG; 1 when there is
# something. The kernel releases some things a moment after the last process is gone.
left_behind() {
	local i left
	for ((i = 0; i < 50; i++)); do
		python3 "$ROOT/test/lib/leftovers.py" >"$LOGS/after"
		left=$(comm -13 "$LOGS/before" "$LOGS/after")
		[ -n "$left" ] || break
		sleep 0.1
	done
	mv "$LOGS/after" "$LOGS/before"
	[ -n "$left" ] || return 0
	printf 'not ok - left behind:\n%s\n' "$left" >>"$1"
	return 1
}

# execute NAME LIMIT COMMAND: run one test; its status and seconds go beside its log.
execute() {
	local log=$LOGS/${1//\//-}.log status=0 start=${EPOCHREALTIME/./}
	if [ -n "${AFX_KEEP-}" ]; then
		bash -c "$3" 2>&1 | tee "$log"
		status=$?
	else
		timeout -k 15 "$2" bash -c "$3" >"$log" 2>&1 </dev/null || status=$?
	fi
	[ $status != 124 ] || echo "not ok - took longer than $2 s" >>"$log"
	awk "BEGIN { print $status, (${EPOCHREALTIME/./} - $start) / 1e6 }" >"$log.result"
}

# run_one NAME LIMIT COMMAND: run one test, see to what it left behind, count it.
run_one() {
	local name=$1 log=$LOGS/${1//\//-}.log status took marker="net_xsk-test-$$-$1"
	if [ -n "$list" ]; then
		echo "$name"
		return
	fi
	echo "$marker" 2>/dev/null >/dev/kmsg
	[ -e "$LOGS/before" ] || python3 "$ROOT/test/lib/leftovers.py" >"$LOGS/before"
	execute "$@"
	read -r status took <"$log.result"
	if kernel_log_since "$marker" >"$LOGS/kernel"; then
		{ echo "not ok - the kernel log says:"; cat "$LOGS/kernel"; } >>"$log"
		status=1
	fi
	left_behind "$log" || status=1
	result "$name" "$status" "$took" "$log"
}

# run_together NAME LIMIT COMMAND [NAME LIMIT COMMAND]...: tests that share nothing, a processor
# each; what any of them left behind or made the kernel say is a failure of its own.
run_together() {
	local name status took i marker="net_xsk-test-$$-$1" log=$LOGS/together.log
	local tests=("$@")
	echo "$marker" 2>/dev/null >/dev/kmsg
	[ -e "$LOGS/before" ] || python3 "$ROOT/test/lib/leftovers.py" >"$LOGS/before"
	for ((i = 0; i < ${#tests[@]}; i += 3)); do
		[ "$(jobs -rp | wc -l)" -lt "$(nproc)" ] || wait -n
		execute "${tests[@]:i:3}" &
	done
	wait
	for ((i = 0; i < ${#tests[@]}; i += 3)); do
		name=${tests[i]}
		read -r status took <"$LOGS/${name//\//-}.log.result"
		result "$name" "$status" "$took" "$LOGS/${name//\//-}.log"
	done
	status=0
	kernel_log_since "$marker" >"$log" && status=1
	left_behind "$log" || status=1
	[ $status = 0 ] || result "${1%%/*}/together" 1 0 "$log"
}

# build_as NAME FOLDER [MESON_OPTION...]: a build counts as a test.
build_as() {
	local name=$1 dir=$2 start=$EPOCHSECONDS status=0
	shift 2
	if [ -n "$list" ]; then
		echo "$name"
		return
	fi
	setup_build "$dir" --werror "$@" >"$LOGS/${name//\//-}.log" 2>&1 || status=1
	result "$name" $status $((EPOCHSECONDS - start)) "$LOGS/${name//\//-}.log"
	return $status
}

# run_compiled FOLDER PREFIX TIER: the meson tests of one tier.
run_compiled() {
	local suite name limit parallel command listed='' together=()
	if [ ! -e "$1/build.ninja" ]; then
		unlisted=1
		return
	fi
	while IFS=$'\t' read -r suite name limit parallel command <&8; do
		[ "$suite" = "$3" ] || continue
		# shellcheck disable=SC2053 # a pattern on purpose
		[[ $2/$name == $filter ]] || continue
		# Only unit tests know nothing of the machine.
		if [ "$3$parallel$list" = unit1 ] && [ -z "${AFX_KEEP-}" ]; then
			together+=("$2/$name" "$limit" "$command")
		else
			run_one "$2/$name" "$limit" "$command"
		fi
	done 8< <(python3 "$ROOT/test/lib/meson_tests.py" "$1")
	wait $! && listed=1
	[ ${#together[@]} = 0 ] || run_together "${together[@]}"
	# Without meson, or with a build folder of another machine.
	[ -z "$listed" ] || return
	unlisted=1
	[ -n "$list" ] || failures+=("$2: the compiled tests of ${1#"$ROOT/"} cannot be listed")
	[ -n "$list" ] || failed=$((failed + 1))
}

# run_shell TIER: the executables test/TIER/*_test.sh, and all of test/lint. A line "# limit: N" in
# them sets the time limit in seconds.
run_shell() {
	local file name limit pattern="*_test.sh"
	[ "$1" != lint ] || pattern="*.sh"
	for file in "$ROOT/test/$1/"$pattern; do
		[ -x "$file" ] || continue
		name=$1/$(basename "$file" .sh)
		# shellcheck disable=SC2053
		[[ $name == $filter ]] || continue
		limit=$(sed -n 's/^# limit: *\([0-9]*\).*/\1/p' "$file" | head -n 1)
		run_one "$name" "${limit:-120}" "$(printf %q "$file")"
	done
}

# run_guests: the tests of tier zc, which run inside guests.
run_guests() {
	local name status took log
	if [ -n "$list" ]; then
		"$ROOT/test/zc/run.sh" --list --filter "$filter"
		return
	fi
	while IFS=$'\t' read -r name status took log <&8; do
		result "$name" "$status" "$took" "$log"
	done 8< <("$ROOT/test/zc/run.sh" --report --filter "$filter" </dev/null 2>"$LOGS/zc.log")
	# What it says beside its report is trouble of its own.
	! grep -vq '^==' "$LOGS/zc.log" || result zc/guests 1 0 "$LOGS/zc.log"
}

while [ $# -gt 0 ]; do
	case $1 in
	--tier) tiers=${tiers:+$tiers,}${2:?"--tier needs a name"}; shift ;;
	--filter) filter=${2:?"--filter needs a pattern"}; shift ;;
	--list) list=1 ;;
	--keep) export AFX_KEEP=1 ;;
	--sanitize) tiers=${tiers:+$tiers,}sanitize ;;
	--clang) tiers=${tiers:+$tiers,}clang ;;
	-h | --help) usage; exit 0 ;;
	*) usage >&2; exit 2 ;;
	esac
	shift
done

trap finish EXIT
trap 'exit 130' INT TERM
# A list needs nothing that a fresh machine has not got, and changes nothing.
if [ -z "$list" ]; then
	mkdir -p "$LOGS"
	rm -f "$LOGS/before"
	setup_packages "${SETUP_PACKAGES[@]}" universal-ctags shellcheck valgrind \
		python3-scapy tcpdump iputils-ping \
		strace python3-sphinx python3-pyelftools
	setup_headers
fi

# Whatever has to be built for what was asked.
if [ -z "$tiers" ] || [[ ! ,$tiers, =~ ^,((clang|sanitize|lint),)+$ ]]; then
	# Without a build nothing else can be said.
	build_as build/gcc "$BUILD" || exit 0
fi
if [ -z "$list" ] && ! hugepages_take 768; then
	echo "note: the kernel has not got 768 MB of hugepages, DPDK runs with --no-huge"
	export AFX_NO_HUGE=1
fi
if in_tier clang; then
	CC=clang build_as build/clang "$BUILD-clang"
fi
if in_tier sanitize && SETUP_TARGETS=unit-tests build_as build/sanitize "$BUILD-sanitize" \
		-Db_sanitize=address,undefined -Db_lundef=false; then
	export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
	# The names are those of the plain build.
	if [ -n "$list" ]; then
		run_compiled "$BUILD" sanitize unit
	else
		run_compiled "$BUILD-sanitize" sanitize unit
	fi
	unset UBSAN_OPTIONS
fi

for tier in lint unit bpf pmd net kill peer zc; do
	in_tier $tier || continue
	run_compiled "$BUILD" $tier $tier
	[[ " $SHELL_TIERS " != *" $tier "* ]] || run_shell $tier
	[ $tier != zc ] || run_guests
done
[ -z "$list" ] || [ -z "$unlisted" ] ||
	echo "note: the compiled tests are listed once there is a build: app/setup.sh" >&2
exit 0
