# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Running dpdk-testpmd in a test, sourced by net.sh. PMD chooses the driver, so that a test can be
# run on the peers too: xsk (ours, default), af_xdp or af_packet.
#
# Several testpmd run side by side under names: TP=second start_testpmd ..., TP=second tp_cmd ...;
# the name is also the --file-prefix. Default name: tp.

PMD=${PMD:-xsk}
PLUGIN=${PLUGIN:-$BUILD/drivers/net/xsk/librte_net_xsk.so}
TESTPMD=${TESTPMD:-dpdk-testpmd}
declare -A tp_pid_of tp_fd_of

# plugin_args: EAL options that load the driver under test, in the array plugin_args.
plugin_args=()
plugin_load() {
	[ "$PMD" = xsk ] || return 0
	[ -e "$PLUGIN" ] || skip "driver not built: $PLUGIN"
	# A clone may lie below a world-writable folder, from where EAL loads nothing.
	cp -u "$PLUGIN" "$T/librte_net_xsk.so" || exit 1
	plugin_args=(-d "$T/librte_net_xsk.so")
}

# vdev NUMBER INTERFACE [QUEUES [MORE]]: the --vdev argument for the driver under test. MORE are
# further devargs, meant for net_xsk and net_af_xdp.
vdev() {
	local queues=${3:-1} more=${4:+,$4}
	case $PMD in
	af_packet) echo "net_af_packet$1,iface=$2,qpairs=$queues" ;;
	*) echo "net_$PMD$1,iface=$2,queue_count=$queues$more" ;;
	esac
}

# eal_args: memory, plugin and prefix for any DPDK program of this test, in the array eal_args.
eal_args() {
	plugin_load
	eal_args=(--no-pci --file-prefix "${TP:-tp}" "${plugin_args[@]}")
	if [ -n "${AFX_NO_HUGE-}" ]; then
		eal_args+=(--no-huge -m "${TP_MEM:-256}")
	else
		eal_args+=(--huge-dir "$T/huge" -m "${TP_MEM:-256}")
	fi
}

# tp_launch [EAL OPTIONS] -- [TESTPMD OPTIONS]: start without waiting, for starts that must fail.
# TP_NS is its namespace (dut), TP_LCORES its cores (0,1: command line on 0, forwarding on 1).
tp_launch() {
	local name=${TP:-tp} eal=() fd
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		eal+=("$1")
		shift
	done
	[ $# = 0 ] || shift
	eal_args
	rm -f "$T/$name.in"
	mkfifo "$T/$name.in" || exit 1
	# The prompts of the last one of that name are not those waited for.
	: >"$T/$name.out"
	exec {fd}<>"$T/$name.in"
	tp_fd_of[$name]=$fd
	# Line by line, else a prompt overtakes the answer in front of it.
	# shellcheck disable=SC2086 # TP_WRAP may be several words (strace -f ..., env ...)
	in_ns "${TP_NS:-dut}" timeout -k 5 "${TP_LIMIT:-300}" stdbuf -oL ${TP_WRAP-} \
		"$TESTPMD" --lcores "${TP_LCORES:-0,1}" "${eal_args[@]}" "${eal[@]}" -- -i \
		--total-num-mbufs="${TP_MBUFS:-16384}" "$@" \
		<"$T/$name.in" >"$T/$name.out" 2>&1 {fd}>&- &
	tp_pid_of[$name]=$!
	at_exit "TP=$name tp_end"
}

# start_testpmd: tp_launch and wait for the prompt. Ends the test when there is none.
start_testpmd() {
	local name=${TP:-tp}
	tp_launch "$@"
	wait_for 30 tp_prompts_or_gone 1
	if ! tp_prompts 1; then
		check "testpmd starts with $*" false
		exit 1
	fi
}

# tp_read [OFFSET]: what testpmd printed, from OFFSET on, in tp_out. Without a process: one costs a
# guest under emulation more than the rest of a command.
tp_read() {
	local LC_ALL=C parts
	mapfile -d '' -t parts <"$T/${TP:-tp}.out"
	tp_out="${parts[*]}"
	tp_out=${tp_out:${1:-0}}
}

# tp_prompts N [OFFSET]: at least N prompts were printed, from OFFSET on.
tp_prompts() {
	local LC_ALL=C others
	tp_read "${2:-0}" 2>/dev/null || return 1
	others=${tp_out//testpmd> /}
	[ $(((${#tp_out} - ${#others}) / 9)) -ge "$1" ]
}

tp_running() {
	local state
	read -r _ _ state _ 2>/dev/null <"/proc/${tp_pid_of[${TP:-tp}]-0}/stat" &&
		[ "$state" != Z ]
}

tp_prompts_or_gone() {
	tp_prompts "$@" || ! tp_running
}

# tp_cmd COMMAND [SECONDS]: give COMMAND and print what came up to the next prompt.
tp_cmd() {
	local LC_ALL=C name=${TP:-tp} before
	tp_read
	before=${#tp_out}
	printf '%s\n' "$1" >&"${tp_fd_of[$name]}"
	wait_for "${2:-15}" tp_prompts_or_gone 1 "$before"
	tp_read "$before"
	# Without the command and the prompt.
	tp_out=${tp_out//$'\r'/}
	if [[ $tp_out == *$'\n'*$'\n'* ]]; then
		tp_out=${tp_out#*$'\n'}
		printf '%s\n' "${tp_out%$'\n'*}"
	fi
	tp_prompts 1 "$before"
}

# shows PATTERN COMMAND: the answer of testpmd to COMMAND matches the extended regex PATTERN.
shows() {
	local out
	out=$(tp_cmd "$2")
	printf '%s\n' "$out"
	printf '%s\n' "$out" | grep -qE -e "$1"
}

# tp_pid: process id of testpmd itself, in the test's namespace: the last of the chain of subshell,
# timeout(1) and TP_WRAP.
tp_pid() {
	local pid=${tp_pid_of[${TP:-tp}]-0} child
	# The list does not end its line, so read finds it and fails.
	while child=; read -r child _ </proc/"$pid"/task/"$pid"/children; [ -n "$child" ]; do
		pid=$child
	done 2>/dev/null
	echo "$pid"
}

# tp_wait SECONDS: wait for the end of testpmd, return its exit status, 124 when it has not ended.
tp_wait() {
	local name=${TP:-tp} status=0 fd
	[ -n "${tp_pid_of[$name]-}" ] || return 0
	wait_for "$1" not tp_running || return 124
	wait "${tp_pid_of[$name]}" || status=$?
	fd=${tp_fd_of[$name]}
	exec {fd}>&-
	unset "tp_pid_of[$name]" "tp_fd_of[$name]"
	return $status
}

# tp_ends_with STATUS SECONDS: testpmd ends with this exit status (137: by SIGKILL), for check.
tp_ends_with() {
	local status=0
	tp_wait "$2" || status=$?
	echo "exit status $status, wanted $1"
	[ $status = "$1" ]
}

# tp_quit [SECONDS]: orderly end; 0 when testpmd ended with 0.
tp_quit() {
	local name=${TP:-tp}
	[ -n "${tp_pid_of[$name]-}" ] || return 1
	printf 'quit\n' >&"${tp_fd_of[$name]}"
	tp_wait "${1:-20}"
}

# tp_end: whatever state testpmd is in, it is gone after this. Shows its output in a failed test.
tp_end() {
	local name=${TP:-tp}
	if [ -n "${tp_pid_of[$name]-}" ]; then
		tp_quit 10 >/dev/null 2>&1
	fi
	if [ -n "${tp_pid_of[$name]-}" ]; then
		kill -KILL "$(tp_pid)" 2>/dev/null
		tp_wait 10 >/dev/null 2>&1
	fi
	# shellcheck disable=SC2154 # of net.sh
	if [ "$afx_failed" != 0 ] && [ -z "${tp_shown-}" ]; then
		tp_shown=1
		echo "--- end of the output of testpmd '$name':"
		tail -n 30 "$T/$name.out"
	fi
}
