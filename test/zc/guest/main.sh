#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: runs the list of tests of the job, one after the other, or a shell. A test is a
# name and arguments, "forward igb 2"; its log and one line of result go to the share.
set -u -o pipefail
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=${TERM:-vt100}
SHARE=/run/share
# shellcheck source=/dev/null
. "$SHARE/job"
export GUEST BUILD ROOT SHARE
ulimit -l unlimited
uname -r >"$SHARE/release"
echo "${HUGEPAGES:-384}" >/proc/sys/vm/nr_hugepages
mount -t hugetlbfs huge /dev/hugepages
ip link set lo up
# Packets of a flow stay in order: the default, pfifo_fast without a lock, promises it only nearly.
echo pfifo >/proc/sys/net/core/default_qdisc
# The root is a layer of memory over the machine's.
xargs -r rm -f <"$SHARE/unused"
# For calm of lib.sh.
mount -t cgroup2 cgroup /sys/fs/cgroup && echo +cpu >/sys/fs/cgroup/cgroup.subtree_control &&
	mkdir /sys/fs/cgroup/calm && echo threaded >/sys/fs/cgroup/calm/cgroup.type &&
	echo "2000 10000" >/sys/fs/cgroup/calm/cpu.max
cd "$ROOT" || exit 1

if [ "$JOB" = shell ]; then
	echo "The repository is $ROOT, tests are in $GUEST; leaving the shell ends the guest."
	setsid -c bash -i </dev/console >/dev/console 2>&1
	exit
fi

# stamp: put the second since the guest's start in front of each line.
stamp() {
	local line up
	while IFS= read -r line; do
		read -r up _ </proc/uptime
		printf '%s %s\n' "${up%.*}" "$line"
	done
}

number=0
while read -r -u 8 name args; do
	number=$((number + 1))
	log=$SHARE/$number.log
	echo "zc-test $number $name $args" >/dev/kmsg
	began=${EPOCHREALTIME/./}
	status=0
	# shellcheck disable=SC2086 # words on purpose
	timeout -k 10 "${LIMIT:-240}" bash "$GUEST/$name.sh" $args </dev/null 2>&1 |
		stamp >"$log" ||
		status=$?
	took=$(((${EPOCHREALTIME/./} - began) / 100000))
	echo "$status $((took / 10)).$((took % 10)) $name $args" >>"$SHARE/results"
done 8<"$SHARE/tests"
