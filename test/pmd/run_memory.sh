#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Every way EAL and testpmd can lay out memory: each must deliver every packet, bytes right.
#
# Exit 0 all delivered, 1 not all, 77 nothing could be run.
set -u

here=$(cd "$(dirname "$0")" && pwd)
. "$here/ns_pair.sh"
dut= plugin= pmd=net_xsk inner= verbose=0

usage() {
	echo "usage: $0 --dut PROGRAM [--pmd NAME] [--plugin SO] [--only VARIANT] [--verbose]" >&2
	exit 2
}

only=
while [ $# -gt 0 ]; do
	case $1 in
	--dut) dut=$2; shift ;;
	--pmd) pmd=$2; shift ;;
	--plugin) plugin=$2; shift ;;
	--only) only=$2; shift ;;
	--inner) inner=$2; shift ;;
	--verbose) verbose=1 ;;
	*) usage ;;
	esac
	shift
done
[ -n "$dut" ] || usage
need_machine

# testpmd forwards what it receives back out; our own program plays the peer and checks bytes.
testpmd_run() {
	ns_pair 1
	testpmd=$(command -v dpdk-testpmd) || skip "needs dpdk-testpmd"
	mkfifo $tmp/stdin
	set -- -l 0,1 --no-pci --no-telemetry --huge-dir $tmp/huge --file-prefix dut$$ \
		--vdev ${pmd}0,iface=dut0,queue_count=1
	[ -z "$plugin" ] || [ $pmd = net_af_xdp ] || set -- "$@" -d "$plugin"
	$testpmd "$@" -- --mp-alloc=$inner --total-num-mbufs=8192 --rxd=512 --txd=512 \
		--port-topology=loop --forward-mode=io --auto-start --nb-cores=1 < $tmp/stdin &
	pid=$!
	# testpmd stops at the end of its input.
	exec 3> $tmp/stdin
	"$dut" --case echo --pmd $pmd --iface dut0 --peer peer0 --count 3000
	status=$?
	kill -0 $pid 2> /dev/null || echo "echo: testpmd has died"
	exec 3>&-
	timeout 10 tail --pid=$pid -f /dev/null || kill -9 $pid
	wait $pid
	exit $status
}
[ -z "$inner" ] || testpmd_run
need_hugepages

# One line a variant: name, then run_defects or testpmd, then the arguments.
variants='default eal
no-huge eal --no-huge -m 512
in-memory eal --in-memory
legacy-mem eal --legacy-mem -m 128
legacy-holes eal --legacy-mem -m 256
single-file eal --single-file-segments
iova-pa eal --iova-mode=pa
iova-va eal --iova-mode=va
native testpmd
anon testpmd
xmem testpmd
xmemhuge testpmd
xbuf testpmd'
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 1' INT TERM
ran=0 bad=0
while read -r name how args; do
	[ -z "$only" ] || [ "$only" = $name ] || continue
	if [ $how = eal ]; then
		"$here/run_defects.sh" --dut "$dut" --case traffic --pmd $pmd --plugin "$plugin" \
			--eal "$args" > "$log" 2>&1 < /dev/null
	else
		timeout -k 5 100 unshare --mount --net -- "$here/run_memory.sh" --inner $name \
			--dut "$dut" --pmd $pmd --plugin "$plugin" > "$log" 2>&1 < /dev/null
	fi
	case $? in
	0) word=delivered ;;
	77) word=skipped ;;
	*) word=FAILED ;;
	esac
	printf '%-12s %-8s %-10s %s\n' $name $how $word "$args"
	[ $word = skipped ] || ran=$((ran + 1))
	[ $word = skipped ] && grep -a '^skipped' "$log"
	[ $word != FAILED ] || bad=$((bad + 1))
	if [ $word = FAILED ] || [ $verbose = 1 ]; then
		grep -aE "^(echo|traffic): |rror|ailed to" "$log" | tail -n 15 | sed 's/^/    /'
	fi
done << EOL
$variants
EOL
[ $ran -gt 0 ] || skip "no variant could be run"
[ $bad = 0 ]
