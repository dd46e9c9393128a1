#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# From a fresh Debian to packets through net_xsk, in one command: see usage below. The work is done
# in mount and process namespaces of its own, so that nothing but the count of hugepages can outlive
# it, and that is put back by the next run.
set -u -o pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=app/setup.sh
. "$HERE/setup.sh"
PATH=$PATH:/usr/sbin:/sbin
BUILD=${BUILD:-$SETUP_ROOT/build}
PLUGIN=${PLUGIN:-$BUILD/drivers/net/xsk/librte_net_xsk.so}
PMD=${PMD:-xsk}                # xsk, or af_xdp: DPDK's own driver, for comparison
MEM_MB=256
STATE=/run/net_xsk-quickstart   # .<pid>: what a killed run leaves

usage() {
	cat <<-END
	usage: app/quickstart.sh [options]     (as root)
	Builds the driver and forwards packets through it with dpdk-testpmd; installs what is
	missing.
	  --queues N     queues of the port, 1 to 64 (default 2; with --iface: 1)
	  --duration S   seconds of traffic (default 10)
	  --iface X      use interface X instead of a veth pair made for this. It must have no
	                 address and no default route. Nothing is sent then, what comes in is
	                 counted.
	  --help
	Exit status 0 when packets came through.
	END
}

# Leftovers of runs that were killed: all there can be is the hugepage count and their folder.
sweep() {
	local dir pid found set
	for dir in "$STATE".*; do
		pid=${dir##*.}
		[ -d "$dir" ] || continue
		! grep -qs quickstart "/proc/$pid/cmdline" || continue
		if [ -e "$dir/hugepages" ] && read -r found set <"$dir/hugepages" &&
				[ "$(cat /proc/sys/vm/nr_hugepages)" = "$set" ]; then
			echo "$found" >/proc/sys/vm/nr_hugepages
		fi
		rm -rf "$dir"
		setup_say "cleared what killed run $pid left"
	done
}

# check_iface NAME: an interface that may be taken from the kernel.
check_iface() {
	local what
	ip link show dev "$1" >/dev/null 2>&1 || setup_die "--iface $1: no such interface"
	what=$(ip -o addr show dev "$1" scope global | awk '{ print $4; exit }')
	[ -z "$what" ] || setup_die "--iface $1: it has the address $what, so this machine uses" \
		"it; take an interface that is not in use"
	what=$( (ip -4 route show default dev "$1"; ip -6 route show default dev "$1") 2>/dev/null)
	[ -z "$what" ] || setup_die "--iface $1: a default route leaves there; take another" \
		"interface"
	! ip -o link show dev "$1" | grep -q ' master ' ||
		setup_die "--iface $1: it belongs to a bridge or bond; take another interface"
	ip -o link show dev "$1" up | grep -q . ||
		setup_die "--iface $1: it is down; ip link set $1 up"
}

# cpus: the CPU for the generator and the one for the driver, in CPU_GEN and CPU_PMD.
cpus() {
	local list
	mapfile -t list < <(
		python3 -c 'import os; print(*sorted(os.sched_getaffinity(0)), sep="\n")'
	)
	CPU_GEN=${list[0]}
	CPU_PMD=${list[1]:-$CPU_GEN}
	[ "$CPU_GEN" != "$CPU_PMD" ] || echo "note: one CPU only, generator and driver share it"
}

wait_for() {
	local deadline=$((EPOCHSECONDS + $1))
	shift
	until "$@" 2>/dev/null; do
		[ $EPOCHSECONDS -lt $deadline ] || return 1
		sleep 0.05
	done
}

finish() {
	local status=$?
	trap - EXIT
	trap '' INT TERM
	stop_testpmd
	for ns in gen dut; do
		[ ! -e /run/netns/$ns ] || ip netns del $ns
	done
	umount -l "$DIR/t" 2>/dev/null
	hugepages_give_back
	rm -rf "$DIR"
	exit "$status"
}

# ground: scratch folder $T, private to this run, and hugepages.
ground() {
	local dir
	DIR=$STATE.$QS_PID
	T=$DIR/t
	setup_private_run
	mkdir -p "$T" /run/netns || setup_die "/run cannot be written"
	trap finish EXIT
	trap 'exit 130' INT TERM
	for dir in /run/netns "$T"; do
		mount -t tmpfs -o mode=0755 tmpfs "$dir" ||
			setup_die "cannot mount tmpfs in a private mount namespace"
	done
	mkdir "$T/huge" "$T/run"
	export RUNTIME_DIRECTORY=$T/run
	memory=(--no-huge -m "$MEM_MB")
	if hugepages_take "$MEM_MB" && mount -t hugetlbfs hugetlbfs "$T/huge" 2>/dev/null; then
		memory=(--huge-dir "$T/huge" -m "$MEM_MB")
	else
		echo "note: no hugepages to be had, the driver runs with --no-huge (slower)"
	fi
	[ -z "${HUGEPAGES_SET-}" ] || echo "$HUGEPAGES_FOUND $HUGEPAGES_SET" >"$DIR/hugepages"
}

# make_pair: gen0 in namespace gen, dut0 in namespace dut.
make_pair() {
	local end n="numrxqueues $QUEUES numtxqueues $QUEUES"
	for end in gen dut; do
		ip netns add $end || setup_die "cannot make network namespaces here" \
			"(a container needs CAP_SYS_ADMIN and CAP_NET_ADMIN)"
		ip netns exec $end sysctl -qw net.ipv6.conf.default.disable_ipv6=1 2>/dev/null
	done
	# shellcheck disable=SC2086 # words on purpose
	ip link add gen0 netns gen $n type veth peer name dut0 netns dut $n ||
		setup_die "cannot make a veth pair with $QUEUES queues"
	# GRO makes veth take redirected frames also while no native XDP program is there.
	for end in gen dut; do
		ip netns exec $end ethtool -K ${end}0 tx off gro on >/dev/null 2>&1
		ip -n $end link set ${end}0 up
	done
}

# start_testpmd: on $IFACE; returns when it forwards.
start_testpmd() {
	local load=() run=()
	if [ "$PMD" = xsk ]; then
		# EAL loads no plugin from below a world-writable folder.
		cp "$PLUGIN" "$T/librte_net_xsk.so" || exit 1
		load=(-d "$T/librte_net_xsk.so")
	fi
	[ -n "$OWN_IFACE" ] || run=(ip netns exec dut)
	mkfifo "$T/in"
	exec 7<>"$T/in"
	"${run[@]}" stdbuf -oL dpdk-testpmd --no-pci --lcores "0@$CPU_GEN,1@$CPU_PMD" \
		--file-prefix quickstart "${memory[@]}" "${load[@]}" \
		--vdev "net_${PMD}0,iface=$IFACE,queue_count=$QUEUES" -- \
		--auto-start --forward-mode="$FORWARD" --nb-cores=1 --total-num-mbufs=16384 \
		--rxq="$QUEUES" --txq="$QUEUES" <"$T/in" >"$T/out" 2>&1 7>&- &
	TESTPMD=$!
	wait_for 30 ready_or_gone
	if ! ready; then
		sed 's/^/    /' "$T/out" >&2
		setup_die "dpdk-testpmd did not start on $IFACE with $QUEUES queues, see above"
	fi
}

ready() {
	grep -q 'Press enter to exit' "$T/out"
}

ready_or_gone() {
	ready || gone
}

gone() {
	! kill -0 "$TESTPMD"
}

stop_testpmd() {
	[ -n "${TESTPMD-}" ] || return 0
	echo >&7
	wait_for 15 gone || kill -KILL "$TESTPMD"
	wait "$TESTPMD" 2>/dev/null
	TESTPMD=
}

telemetry() {
	python3 "$HERE/telemetry.py" "$T/run/dpdk/quickstart" "$1" 2>/dev/null
}

# The traffic on the veth pair: first judged byte by byte, then as fast as it goes.
traffic() {
	local judged=2
	[ "$DURATION" -gt 2 ] || judged=1
	setup_say "traffic with content checked, $judged s"
	ip netns exec gen "$BUILD/test/tools/pktgen" echo -i gen0 -d $judged -s 60-1514 -t 60 \
		--cpu "$CPU_GEN" >"$T/judged.json"
	telemetry /ethdev/stats,0 >"$T/stats.json"
	setup_say "64-byte packets as fast as the generator can, $((DURATION - judged)) s," \
		"counted where they come back"
	exec 3>&1
	if [ $((DURATION - judged)) -gt 0 ] && [ -x "$BUILD/test/tools/xdpgen" ]; then
		ip netns exec gen "$BUILD/test/tools/xdpgen" -i gen0 -d $((DURATION - judged)) \
			--live --cpu "$CPU_GEN" 2>&3 3>&- >"$T/flood.json"
	fi
}

# The traffic of a given interface: whatever comes, counted by the port.
watch() {
	local i n us last=0 last_us=${EPOCHREALTIME/./}
	for ((i = 1; i <= DURATION; i++)); do
		sleep 1  # a line a second
		n=$(telemetry /ethdev/stats,0 |
			python3 -c 'import json, sys; print(json.load(sys.stdin)["ipackets"])')
		us=${EPOCHREALTIME/./}
		printf '%4d s  received %8d pps\n' $i $(((n - last) * 1000000 / (us - last_us)))
		last=$n
		last_us=$us
	done
}

main() {
	ground
	cpus
	IFACE=dut0
	FORWARD=macswap
	if [ -n "$OWN_IFACE" ]; then
		IFACE=$OWN_IFACE
		FORWARD=rxonly
	else
		make_pair
	fi
	setup_say "dpdk-testpmd --forward-mode=$FORWARD on net_$PMD," \
		"interface $IFACE, queues: $QUEUES"
	start_testpmd
	if [ -n "$OWN_IFACE" ]; then
		watch
	else
		traffic
	fi
	telemetry "/net_xsk/port,0" >"$T/port.json"
	telemetry /ethdev/xstats,0 >"$T/xstats.json"
	telemetry /ethdev/stats,0 >"$T/last.json"
	setup_say "result"
	python3 "$HERE/quickstart_report.py" "$T"
}

OWN_IFACE=
QUEUES=
DURATION=10
while [ $# -gt 0 ]; do
	case $1 in
	--iface) OWN_IFACE=${2:?"--iface needs a name"}; shift ;;
	--queues) QUEUES=${2:?"--queues needs a number"}; shift ;;
	--duration) DURATION=${2:?"--duration needs a number"}; shift ;;
	-h | --help) usage; exit 0 ;;
	--inside) QS_PID=$2; shift ;;
	*) usage >&2; exit 2 ;;
	esac
	shift
done
QUEUES=${QUEUES:-$([ -n "$OWN_IFACE" ] && echo 1 || echo 2)}
[[ $QUEUES =~ ^[1-9][0-9]?$ && $QUEUES -le 64 ]] ||
	setup_die "--queues $QUEUES: give a number from 1 to 64"
[[ $DURATION =~ ^[1-9][0-9]{0,4}$ ]] ||
	setup_die "--duration $DURATION: give seconds, 1 to 99999"

if [ -z "${QS_PID-}" ]; then
	[ "$(id -u)" = 0 ] || setup_die "must be run as root (packages, hugepages, AF_XDP)"
	setup_packages "${SETUP_PACKAGES[@]}"
	[ -z "$OWN_IFACE" ] || check_iface "$OWN_IFACE"
	setup_headers
	setup_build "$BUILD" || setup_die "the build failed"
	sweep
	unshare --mount --pid --fork --mount-proc true 2>/dev/null ||
		setup_die "no mount and process namespaces here: a container needs CAP_SYS_ADMIN," \
			"a chroot must be a mount point (mount --bind DIR DIR before chroot DIR)"
	exec unshare --mount --pid --fork --kill-child --mount-proc --propagation private \
		"$BASH" "$0" --inside $$ --queues "$QUEUES" --duration "$DURATION" \
		${OWN_IFACE:+--iface "$OWN_IFACE"}
fi
main
