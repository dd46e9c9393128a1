# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What several tests of this folder share beyond test/lib/net.sh, sourced after it.

# aim NAMESPACE INTERFACE MASK...: CPUs that use each Tx queue, one hexadecimal mask a queue; a veth
# peer receives on the queue of the same number. Where a CPU has several, the hash of the flow
# chooses among them.
aim() {
	local ns=$1 dev=$2 queue=0 mask
	shift 2
	for mask; do
		# shellcheck disable=SC2016 # expanded by the inner shell
		in_ns "$ns" sh -c 'echo "$1" >"/sys/class/net/$2/queues/tx-$3/xps_cpus"' - \
			"$mask" "$dev" $queue || exit 1
		queue=$((queue + 1))
	done
}

# xstats REGEX [PORT]: sum of the extended statistics whose whole name matches.
xstats() {
	telemetry "/ethdev/xstats,${2:-0}" | jget \
		"sum(v for k, v in d.items() if __import__('re').fullmatch(r'$1', k))"
}

# xstats_is N REGEX [PORT]: for check.
xstats_is() {
	local got
	got=$(xstats "$2" "${3:-0}")
	echo "$2 of port ${3:-0}: $got, wanted $1"
	[ "$got" = "$1" ]
}

# says REGEX: testpmd printed it; what it printed of the driver is shown when not.
says() {
	grep -E -e 'net_xsk: ' "$T/${TP:-tp}.out" | tail -n 5
	grep -qE -e "$1" "$T/${TP:-tp}.out"
}

# says_soon REGEX [SECONDS]
says_soon() {
	wait_for "${2:-10}" says "$1"
}

# is A B: two strings are the same.
is() {
	echo "'$1', wanted '$2'"
	[ "$1" = "$2" ]
}

# of_port EXPRESSION [PORT]: Python expression of the driver's telemetry of a port.
of_port() {
	telemetry "/net_xsk/port,${2:-0}" | jget "$1"
}

# only_xsk: for tests of what the other drivers have not got.
only_xsk() {
	[ "$PMD" = xsk ] || skip "about net_xsk alone"
}

# no_xdp_on INTERFACE: it has no XDP program (in namespace dut).
no_xdp_on() {
	! ip -n dut -d link show dev "$1" | grep -E 'prog/xdp'
}

# ports_are LIST: the ports of testpmd, as Python writes them ([0, 1]).
ports_are() {
	is "$(telemetry /ethdev/list)" "$1"
}

# launched EAL... -- TESTPMD...: start a testpmd whose ports may be refused, until its prompt: EAL and
# testpmd go on without them.
launched() {
	tp_launch "$@"
	wait_for 30 tp_prompts_or_gone 1
	tp_running
}

# errors N: testpmd printed N lines of the driver that tell of a failure.
errors() {
	grep -E '^net_xsk: ' "$T/${TP:-tp}.out" | grep -cv ' native copy, rx queues' >"$T/errors"
	grep -E '^net_xsk: ' "$T/${TP:-tp}.out"
	[ "$(cat "$T/errors")" = "$1" ]
}
