# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Ground of the shell tests: sourced first by each of them. The test is started again in mount and
# process namespaces of its own, so that nothing of it can outlive it: network namespaces, bpffs,
# hugepage files, DPDK's runtime files and processes all go with it, even after a SIGKILL.
#
# A test makes its network (default_pair, make_ns, make_veth), starts DPDK (testpmd.sh), sends
# traffic (gen, $PKTGEN) and states what must hold (check). It ends by running out: the exit status
# is 0 when at least one check was made and all of them held, 1 when not, 77 after skip.
set -u -o pipefail

AFX_LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
AFX_ROOT=$(cd "$AFX_LIB/../.." && pwd)
BUILD=$(cd "${BUILD:-$AFX_ROOT/build}" 2>/dev/null && pwd)
PKTGEN=$BUILD/test/tools/pktgen
# shellcheck disable=SC2034 # used by tests
XDPGEN=$BUILD/test/tools/xdpgen

# skip REASON: this test cannot run here.
skip() {
	echo "SKIP: $*"
	afx_skipped=1
	exit 77
}

if [ "${AFX_INSIDE-}" != "$PPID" ] || [ $$ != 1 ]; then
	[ "$(id -u)" = 0 ] || skip "needs root"
	[ -n "$BUILD" ] || skip "not built (BUILD names the meson build folder)"
	unshare --mount --pid --fork --mount-proc true 2>/dev/null ||
		skip "no mount and process namespaces here (CAP_SYS_ADMIN)"
	# Seen from inside, the parent of the first process is 0.
	AFX_INSIDE=0 AFX_ID=$$ exec unshare --mount --pid --fork --kill-child --mount-proc \
		--propagation private "$BASH" "$0" "$@"
fi
unset AFX_INSIDE

# T: scratch folder, private and root's own, so that EAL takes plugins from it.
afx_set_up() {
	# As setup_private_run of app/setup.sh.
	[ -z "$(find /run -maxdepth 0 -perm -o+w)" ] || mount -t tmpfs -o mode=0755 tmpfs /run
	mkdir -p /run/netns && mount -t tmpfs -o mode=0755 tmpfs /run/netns &&
		T=$(mktemp -d "/run/afx-test.$AFX_ID.XXXX") &&
		mount -t tmpfs -o mode=0755 tmpfs "$T" &&
		mkdir "$T/bpf" "$T/huge" "$T/run" || exit 1
	mount -t bpf bpffs "$T/bpf" || skip "no bpf filesystem"
	if ! mount -t hugetlbfs hugetlbfs "$T/huge" 2>/dev/null; then
		echo "note: no hugetlbfs here, DPDK runs with --no-huge"
		AFX_NO_HUGE=1
	fi
	# EAL keeps sockets and shared files here.
	export RUNTIME_DIRECTORY=$T/run
}

afx_checks=0
afx_failed=0
afx_skipped=0
afx_at_exit=()

# at_exit COMMAND: run COMMAND (one string) at the end, the last registered first.
at_exit() {
	afx_at_exit=("$1" "${afx_at_exit[@]}")
}

afx_finish() {
	local status=$? cmd ns
	trap - EXIT
	if [ -n "${AFX_KEEP-}" ] && { [ "$afx_failed" != 0 ] || [ "$status" != 0 ]; } &&
			[ "$afx_skipped" = 0 ]; then
		echo "kept as it is; look into it with"
		echo "    nsenter -m -p -t \$(pgrep -P $AFX_ID)    (then: ip netns, $T)"
		echo "Enter ends the test."
		read -r _
	fi
	trap '' INT TERM
	for cmd in "${afx_at_exit[@]}"; do
		eval "$cmd"
	done
	if [ "$afx_skipped" = 0 ] && [ -z "${LEAVES_XDP-}" ]; then
		for ns in /run/netns/*; do
			[ -e "$ns" ] || continue
			check "no XDP program left in namespace ${ns##*/}" \
				wait_for 5 no_xdp "${ns##*/}"
		done
	fi
	for ns in /run/netns/*; do
		[ ! -e "$ns" ] || ip netns del "${ns##*/}"
	done
	umount -l "$T" && rmdir "$T"
	[ "$afx_skipped" = 0 ] || exit 77
	if [ "$status" = 0 ] && [ "$afx_checks" = 0 ]; then
		echo "not ok - the test checked nothing"
		status=1
	fi
	[ "$afx_failed" = 0 ] || status=1
	[ "$status" = 0 ] || echo "FAILED: $afx_failed of $afx_checks checks, status $status"
	exit "$status"
}

# check DESCRIPTION COMMAND...: COMMAND must succeed; what it prints is shown when it does not.
check() {
	local what=$1
	shift
	afx_checks=$((afx_checks + 1))
	# Not in a subshell, so that tp_quit and others can change the state of this one.
	if "$@" >"$T/check.out" 2>&1; then
		echo "ok - $what"
		return 0
	fi
	afx_failed=$((afx_failed + 1))
	echo "not ok - $what"
	echo "    command: $*"
	sed 's/^/    /' "$T/check.out"
	return 1
}

# must DESCRIPTION COMMAND...: a check without which the rest of the test makes no sense.
must() {
	check "$@" || exit 1
}

# not COMMAND...: for checks that expect failure.
not() {
	! "$@"
}

# wait_for SECONDS COMMAND...: until COMMAND succeeds, 1 when it has not by then. Prints what the
# last try printed.
wait_for() {
	local deadline=$((${EPOCHREALTIME/./} + $1 * 1000000)) status=0
	shift
	until "$@" >"$T/wait.out" 2>&1; do
		if [ "${EPOCHREALTIME/./}" -ge "$deadline" ]; then
			status=1
			break
		fi
		# sleep(1) without a process.
		read -r -t "${WAIT_STEP:-0.02}" _ <&"$afx_clock"
	done
	[ ! -s "$T/wait.out" ] || cat "$T/wait.out"
	return $status
}

# in_ns NAMESPACE COMMAND...: with the test's bpffs in place, which ip-netns(8) alone hides.
in_ns() {
	local ns=$1
	shift
	# shellcheck disable=SC2016 # expanded by the inner shell
	ip netns exec "$ns" sh -c 'mount --bind "$0" /sys/fs/bpf && exec "$@"' "$T/bpf" "$@"
}

# make_ns NAME: a network namespace with lo up and no IPv6, so that the kernel itself sends nothing.
make_ns() {
	ip netns add "$1" || exit 1
	ip netns exec "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 \
		net.ipv6.conf.default.disable_ipv6=1 2>/dev/null
	ip -n "$1" link set lo up
}

# make_veth NS_A IF_A NS_B IF_B [QUEUES [MTU]]: a veth pair, up, without offloads.
make_veth() {
	local queues=${5:-1} mtu=${6:-1500} n="numrxqueues ${5:-1} numtxqueues ${5:-1}" end
	# shellcheck disable=SC2086 # words on purpose
	ip link add "$2" netns "$1" mtu "$mtu" $n type veth \
		peer name "$4" netns "$3" mtu "$mtu" $n || exit 1
	for end in "$1 $2" "$3 $4"; do
		# shellcheck disable=SC2086
		set -- $end
		in_ns "$1" ethtool -K "$2" tx off txvlan off rxvlan off gro off gso off tso off \
			>/dev/null 2>&1
		[ "$queues" = 1 ] ||
			in_ns "$1" ethtool -L "$2" rx "$queues" tx "$queues" 2>/dev/null
		ip -n "$1" link set "$2" up
	done
}

# default_pair [QUEUES [MTU]]: gen0 in namespace gen, where traffic is made, and dut0 in dut.
default_pair() {
	make_ns gen
	make_ns dut
	make_veth gen gen0 dut dut0 "${1:-1}" "${2:-1500}"
	must "veth pair is up" wait_for 5 carrier dut dut0
}

carrier() {
	ip -n "$1" link show "$2" up | grep -q LOWER_UP
}

# no_xdp NAMESPACE: no interface of it has an XDP program.
no_xdp() {
	! ip -n "$1" -d link | grep -E 'prog/xdp|xdpgeneric|xdpdrv|xdpoffload|xdpmulti'
}

# gen MODE OPTIONS...: pktgen on gen0, on CPU 0; its JSON goes to stdout and to $T/gen.json.
gen() {
	local mode=$1
	shift
	in_ns gen "$PKTGEN" "$mode" -i gen0 --cpu 0 "$@" | tee "$T/gen.json"
}

# jget EXPRESSION: read JSON from stdin as d and print the Python EXPRESSION of it.
jget() {
	python3 -ISc 'import json,sys; d=json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"
}

# telemetry PATH [FILE_PREFIX]: answer of a DPDK process of this test as JSON.
telemetry() {
	python3 -IS "$AFX_ROOT/app/telemetry.py" "$T/run/dpdk/${2:-${TP:-tp}}" "$1"
}

exec {afx_clock}<> <(:)
trap afx_finish EXIT
trap 'exit 143' INT TERM
afx_set_up
# shellcheck source=test/lib/testpmd.sh
. "$AFX_LIB/testpmd.sh"
