# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh disable=SC2015,SC2086,SC2154  # words split on purpose
# Sourced by the scripts here, inside "unshare --mount --net": a veth pair dut0-peer0 and private
# mounts. All of it goes with the namespaces, so there is nothing to clean up.

skip() {
	echo "SKIP: $*"
	exit 77
}

need_machine() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	for tool in ip ethtool unshare timeout; do
		command -v $tool > /dev/null || skip "needs $tool"
	done
	[ "$(nproc)" -ge 2 ] || skip "needs two processors"
}

need_hugepages() {
	free=$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages 2> /dev/null || echo 0)
	[ "$free" -ge 160 ] || skip "needs 160 free hugepages of 2 MiB, there are $free"
}

# ns_pair QUEUES: sets tmp, which holds huge/ (hugetlbfs of its own) and bpf/ (bpffs of its own).
ns_pair() {
	mount --make-rprivate / &&
	mount -t sysfs sysfs /sys &&
	mount -t bpf bpf /sys/fs/bpf &&
	mount -t tmpfs -o mode=755 tmpfs /run || skip "cannot mount in a private namespace"
	tmp=/run/dut
	mkdir -p $tmp/huge $tmp/bpf
	# EAL takes no plugin from below a world-writable folder, which a clone may lie in.
	if [ -n "$plugin" ]; then
		cp "$plugin" $tmp/ && plugin=$tmp/${plugin##*/} || skip "cannot copy $plugin"
	fi
	mount -t bpf bpf $tmp/bpf || skip "no bpffs"
	mount -t hugetlbfs -o pagesize=2M,size=448M hugetlbfs $tmp/huge || skip "no hugetlbfs"
	for key in all default; do
		f=/proc/sys/net/ipv6/conf/$key/disable_ipv6
		[ ! -e $f ] || echo 1 > $f
	done
	ip link add dut0 numtxqueues $1 numrxqueues $1 type veth \
		peer name peer0 numtxqueues $1 numrxqueues $1 || skip "no veth"
	for dev in dut0 peer0; do
		ethtool -K $dev gro off gso off tso off tx off rx off sg off > /dev/null 2>&1
		ip link set dev $dev up
	done
}
