#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A kill at every system call of open, start, stop and close, each of those calls made to fail once,
# and kills at random moments under traffic; after each what is left is looked at and the port
# started again. The work is shared by lanes, each in network and mount namespaces of its own that
# take everything with them.
#
# KILL_EAL in the environment: further EAL arguments of the victims.
# Exit 0: nothing was left and every restart worked; 1: not so; 77: it cannot be run here.
set -u

here=$(cd "$(dirname "$0")" && pwd)
build=${BUILD:-$here/../../build}
victim=$build/test/kill/xsk_victim
super=$build/test/kill/xsk_kill
plugin=$build/drivers/net/xsk/librte_net_xsk.so
driver=net_xsk lanes=4 lane= all= limit=590

usage() {
	cat >&2 <<-END
	usage: $0 [--all | --some] [--lanes N] [--victim PROGRAM] [--super PROGRAM] [--plugin SO]
	       [--driver NAME] [--timeout SECONDS] [-- OPTIONS OF xsk_kill]
	  --all     every plausible error of each call, not only the first
	  --some    not every call, but some of each class (what for, from which phase)
	END
	exit 2
}

skip() {
	echo "SKIP: $*"
	exit 77
}

while [ $# -gt 0 ]; do
	case $1 in
	--all) all=--all limit=1800 ;;
	--some) all=--some ;;
	--lanes) lanes=$2; shift ;;
	--lane) lane=$2; shift ;;
	--victim) victim=$2; shift ;;
	--super) super=$2; shift ;;
	--plugin) plugin=$2; shift ;;
	--driver) driver=$2; shift ;;
	--timeout) limit=$2; shift ;;
	--) shift; break ;;
	*) usage ;;
	esac
	shift
done

# Inside the namespaces. The index of the interface is that of no other on the machine, so that BPF
# links can be told apart.
one_lane() {
	mount --make-rprivate / && mount -t sysfs sysfs /sys && mount -t bpf bpf /sys/fs/bpf &&
		mount -t tmpfs -o mode=0755 tmpfs /run || skip "cannot mount in a private namespace"
	export RUNTIME_DIRECTORY=/run
	for key in all default; do
		f=/proc/sys/net/ipv6/conf/$key/disable_ipv6
		[ ! -e $f ] || echo 1 > $f
	done
	index=$((1000000 + $$ % 100000 * 10))
	ip link add dut0 index $index numtxqueues 2 numrxqueues 2 type veth \
		peer name peer0 index $((index + 1)) numtxqueues 2 numrxqueues 2 || skip "no veth"
	ip link set dev dut0 up && ip link set dev peer0 up || exit 1
	memory="--in-memory -m 32"
	[ "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages)" -ge $((lanes * 64)) ] ||
		memory="--no-huge --no-shconf -m 64"
	plugins="-d $plugin"
	[ "$driver" = net_xsk ] || plugins=
	# shellcheck disable=SC2086 # words
	exec timeout -k 5 "$limit" "$super" --victim "$victim" --iface dut0 --peer peer0 \
		--driver "$driver" --lane "$lane" --lanes "$lanes" $all "$@" -- \
		$memory ${KILL_EAL-} --no-pci --no-telemetry -l "$((lane % $(nproc)))" $plugins
}

if [ -n "$lane" ]; then
	one_lane "$@"
fi

[ "$(id -u)" = 0 ] || skip "needs root"
[ "$(uname -m)" = x86_64 ] || skip "the tracer knows the registers of x86_64 only"
for tool in ip unshare timeout awk; do
	command -v $tool > /dev/null || skip "needs $tool"
done
unshare --mount --net true 2> /dev/null || skip "no mount and network namespaces here"
[ "$(cat /proc/sys/kernel/yama/ptrace_scope 2> /dev/null || echo 0)" -lt 3 ] ||
	skip "ptrace is forbidden (kernel.yama.ptrace_scope)"

logs=$(mktemp -d) || exit 1
trap 'rm -rf "$logs"' EXIT
begin=$(date +%s)
pids=
i=0
while [ $i -lt "$lanes" ]; do
	# shellcheck disable=SC2086 # one word or none
	unshare --mount --net "$0" --lane $i --lanes "$lanes" $all --victim "$victim" \
		--super "$super" --plugin "$plugin" --driver "$driver" --timeout "$limit" -- "$@" \
		> "$logs/$i" 2>&1 &
	pids="$pids $!"
	i=$((i + 1))
done
status=0
for pid in $pids; do
	wait "$pid"
	ret=$?
	[ $ret = 0 ] || [ $status = 1 ] || status=$ret
	[ $ret = 0 ] || [ $ret = 77 ] || status=1
done
cat "$logs"/*
awk '$1 == "SUM" { for (i = 2; i < NF; i += 2) { if (!($i in n)) name[++cnt] = $i; n[$i] += $(i + 1) } }
	END { for (i = 1; i <= cnt; i++) printf "%s%s %d", (i > 1 ? ", " : "total: "), name[i], n[name[i]]
		print "" }' "$logs"/*
echo "time: $(($(date +%s) - begin)) s"
exit $status
