# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Ground of the tests in the guest: test/lib/net.sh with real (emulated) cards in the place of veth.
# The two cards of a kind become dut0 in namespace dut and gen0 in namespace gen.

# shellcheck source=test/lib/net.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/net.sh"

# The guest is slow: no more memory to clear than is needed, and few looks at what is waited for.
TP_MEM=${TP_MEM:-128}
WAIT_STEP=0.2

declare -A kind_byte=([igb]=01 [virtio]=02 [virtio-mq2]=03 [virtio-mq4]=05 [virtio-plain]=04)

# card KIND END: name of the interface in this namespace; END 1 or 2. Kind nic are those that
# run.sh --ifaces names.
card() {
	local path
	if [ "$1" = nic ]; then
		cut -d, -f"$2" <<<"${ZC_IFACES-}"
		return
	fi
	for path in /sys/class/net/*; do
		[ "$(cat "$path/address")" != "02:00:00:00:${kind_byte[$1]}:0$2" ] ||
			basename "$path"
	done
}

# take_card KIND END NS NAME QUEUES
take_card() {
	local dev state=down
	dev=$(card "$1" "$2")
	[ -n "$dev" ] || skip "the guest has no $1 card number $2"
	[ -z "$(ip link show dev "$dev" up)" ] || state=up
	ip link set "$dev" down
	ip link set "$dev" name "$4" netns "$3" || exit 1
	at_exit "ip -n $3 link set $4 down; ip -n $3 link set $4 name $dev netns $$ &&
		ip link set $dev $state"
	[[ $1 = virtio || $1 = virtio-plain ]] || must "$4 has $5 queues" set_queues "$3" "$4" "$5"
	in_ns "$3" ethtool -K "$4" gro off gso off tso off lro off rx off tx off >/dev/null 2>&1
	ip -n "$3" link set "$4" mtu "${MTU:-1500}" up || exit 1
	spread "$3" "$4" "$5"
}

# zc_pair KIND QUEUES: in the place of default_pair.
zc_pair() {
	if [ "$1" = veth ]; then
		default_pair "$2" "${MTU:-1500}"
		return
	fi
	make_ns gen
	make_ns dut
	take_card "$1" 1 dut dut0 "$2"
	take_card "$1" 2 gen gen0 "$2"
	must "the cards have a carrier" wait_for 30 carriers
}

# spread NS IFACE N: received packets go to the first N queues. The kernel forgets it when rings are
# built anew, as when an XDP program comes; virtio-net then has more queues, for what XDP sends.
# Cards with one queue know nothing of it.
spread() {
	in_ns "$1" ethtool -X "$2" equal "$3" >/dev/null 2>&1
	return 0
}

set_queues() {
	local have
	have=$(in_ns "$1" ethtool -l "$2" | sed -nE 's/^(Combined|RX):[^0-9]*([1-9])/\2/p' |
		tail -n 1)
	[ "${have:-1}" != "$3" ] || return 0
	# A table that names more queues is in the way of fewer.
	in_ns "$1" ethtool -X "$2" default >/dev/null 2>&1
	in_ns "$1" ethtool -L "$2" combined "$3"
}

carriers() {
	carrier dut dut0 && carrier gen gen0
}

# start_testpmd with more patience: on a busy machine the first start takes a minute.
zc_testpmd() {
	tp_launch "$@"
	wait_for 100 tp_prompts_or_gone 1
	must "testpmd starts with $*" tp_prompts 1
	[ -n "${CALM-}" ] || calm
	grep -a '^net_xsk: net_xsk' "$T/${TP:-tp}.out"
}

# calm: testpmd's forwarding thread gets a fifth of its processor. One that polls all the time takes
# the machine's processors from the other guests, and emulation has none to spare.
calm() {
	local task name
	for task in /proc/"$(tp_pid)"/task/*; do
		name=$(<"$task/comm")
		[[ $name != *-worker-* ]] || echo "${task##*/}" >/sys/fs/cgroup/calm/cgroup.threads
	done
}

# echoes TEXT [OPTIONS...]: frames of all lengths come back whole and in order. The window is below
# the size of the cards' own rings, so that a slow guest cannot lose any.
echoes() {
	local what=$1
	shift
	must "carrier before: $what" wait_for 30 carriers
	check "$what" gen echo -n "${COUNT:-3000}" -s 60-1514 -w 128 -t 60 \
		--dst-mac "$(in_ns dut cat /sys/class/net/dut0/address)" "$@"
	cat "$T/gen.json"
}

# port_says EXPRESSION [PORT]: of telemetry's /net_xsk/port as d, for check.
port_says() {
	tells "/net_xsk/port,${2:-0}" "$1"
}

# tells COMMAND EXPRESSION: of telemetry's answer to COMMAND as d, for check.
tells() {
	python3 -IS - "$AFX_ROOT/app" "$T/run/dpdk/${TP:-tp}" "$1" "$2" <<'END'
import sys
sys.path.insert(0, sys.argv[1])
from telemetry import ask
d = ask(sys.argv[2], sys.argv[3])
print(d)
if "why_not_more" in d:
    d["why_not_more"] = "".join(d["why_not_more"])
sys.exit(0 if eval(sys.argv[4]) else 1)
END
}

# sockets NS ZC NUMBER: so many AF_XDP sockets in NS, each with zc:ZC.
sockets() {
	local list
	list=$(in_ns "$1" ss -f xdp -e)
	echo "$list"
	if [ ! -e /sys/module/xsk_diag ]; then
		echo "this kernel does not list AF_XDP sockets (CONFIG_XDP_SOCKETS_DIAG)"
		return 0
	fi
	[ "$(grep -c "zc:$2" <<<"$list")" = "$3" ] && ! grep -q "zc:$((1 - $2))" <<<"$list"
}

# all_saved FORMAT COUNT OPERATOR VALUE: saved of each queue below COUNT, %d in FORMAT its number.
all_saved() {
	local q
	for ((q = 0; q < $2; q++)); do
		saved "${1//%d/$q}" "$3" "$4" || return 1
	done
}

# take_stats: xstats of all ports to $T/stats, for saved; shows those that are not 0.
take_stats() {
	tp_cmd "show port xstats all" >"$T/stats"
	grep -v ': 0$' "$T/stats"
}

# saved NAME OPERATOR VALUE: an xstat that take_stats took compares so with VALUE, on every port.
saved() {
	local values value
	values=$(sed -n "s/^$1: //p" "$T/stats")
	echo "$1 is ${values//$'\n'/, }, wanted $2 $3"
	[ -n "$values" ] || return 1
	for value in $values; do
		case $2 in
		-eq) [ "$value" -eq "$3" ] ;;
		-gt) [ "$value" -gt "$3" ] ;;
		*) false ;;
		esac || return 1
	done
}

# stat_of NAME: an xstat of port 0, now.
stat_of() {
	tp_cmd "show port xstats 0" | sed -n "s/^$1: //p"
}

stat_is() {
	local got
	got=$(stat_of "$1")
	echo "$1 is '$got', wanted $2"
	[ "$got" = "$2" ]
}

stat_above() {
	local got
	got=$(stat_of "$1")
	echo "$1 is '$got', wanted more than $2"
	[ "${got:-0}" -gt "$2" ]
}

# pool_full: every mbuf of testpmd's pool is in it.
pool_full() {
	local dump size common cache
	dump=$(tp_cmd "dump_mempool mb_pool_0" 30)
	size=$(sed -n 's/^ *size=//p' <<<"$dump")
	common=$(sed -n 's/^ *common_pool_count=//p' <<<"$dump")
	cache=$(sed -n 's/^ *total_cache_count=//p' <<<"$dump")
	echo "$common in the pool and $cache in caches of $size"
	[ -n "$size" ] && [ $((common + cache)) = "$size" ]
}
