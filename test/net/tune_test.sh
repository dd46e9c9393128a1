#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# tune=report changes nothing and says what it saw; napi_defer changes the NAPIs of the port's own
# interface only, takes it back when the port stops, and what a killed process left is put back by
# the next start; busy_poll stays off where the driver has no NAPI to poll.
# shellcheck source=test/lib/net.sh
. "$(dirname "$0")/../lib/net.sh"
# shellcheck source=test/net/more.sh
. "$(dirname "$0")/more.sh"
only_xsk

napi_tool=$AFX_ROOT/test/tools/napi.py
tune() { telemetry /net_xsk/tune,0 | jget "$1"; }
# params NS IFACE: the parameters of its NAPIs, one line each, without their ids.
params() { in_ns "$1" "$napi_tool" "$2" | cut -d' ' -f2- | sort -u; }

default_pair 2
# With GRO the NAPIs of veth live on without an XDP program.
must "GRO on" eval "in_ns dut ethtool -K dut0 gro on && in_ns gen ethtool -K gen0 gro on"
case $(in_ns dut "$napi_tool" dut0) in
*" - - -"* | "") skip "the kernel has no parameters for a single NAPI (6.13)" ;;
esac
off="0 0 0" on="3 20000 0"
set=napi_defer=3,napi_flush=20

TP=report
start_testpmd --vdev "$(vdev 0 dut0 2 tune=report)" -- --rxq=2 --txq=2 --forward-mode=macswap
tp_cmd start >/dev/null
check "report: nothing is changed" is "$(params dut dut0)" "$off"
check "report: telemetry names it" is "$(tune "d['tune']")" report
check "report: a full send buffer" is \
	"$(tune "d['tx_budget'] >= 32 and d['tx_sndbuf_bytes'] > 0")" True
polled() { [ "$(tune "min(d['queue_%d' % q]['poll_cpu'] for q in (0, 1)) >= 0")" = True ]; }
check "report: the CPUs that poll are found out" wait_for 10 polled
check "report: forwards during and after that" gen echo -n 5000 -w 128 -s 60-1514
check "report: no advice on pages where they are huge" not says "advice: .*pages"
check "testpmd ends by itself" tp_quit

TP=small
AFX_NO_HUGE=1 start_testpmd --vdev "$(vdev 0 dut0 2 tune=report)" -- --rxq=2 --txq=2 \
	--total-num-mbufs=4096
check "report: advice where pages are small" says "advice: .*in pages of [0-9]+ KiB: hugepages"
check "report: in telemetry too" is "$(tune "'pages' in ''.join(d['advice_0'])")" True
check "testpmd ends by itself" tp_quit

TP=defer
start_testpmd --vdev "$(vdev 0 dut0 2 $set)" -- --rxq=2 --txq=2 --forward-mode=macswap
tp_cmd start >/dev/null
check "defer: the port's NAPIs are deferred" is "$(params dut dut0)" "$on"
check "defer: the peer's are not" is "$(params gen gen0)" "$off"
check "defer: telemetry says so" is "$(tune "d['queue_1']['deferred']")" 1
check "defer: forwards" gen echo -n 20000 -w 128 -s 60-1514
tp_cmd stop >/dev/null
tp_cmd "port stop 0" >/dev/null
check "defer: a stop takes it back" is "$(params dut dut0)" "$off"
tp_cmd "port start 0" >/dev/null
check "defer: a start does it again" is "$(params dut dut0)" "$on"
check "testpmd ends by itself" tp_quit
check "defer: a close takes it back" is "$(params dut dut0)" "$off"

TP=killed
start_testpmd --vdev "$(vdev 0 dut0 2 $set)" -- --rxq=2 --txq=2
kill -KILL "$(tp_pid)"
check "killed" tp_ends_with 137 10
check "killed: it stays" is "$(params dut dut0)" "$on"
TP=next
start_testpmd --vdev "$(vdev 0 dut0 2)" -- --rxq=2 --txq=2
check "the next start says that it put it back" says "put back what a killed process had changed"
check "the next start puts it back" is "$(params dut dut0)" "$off"
check "testpmd ends by itself" tp_quit

TP=part
start_testpmd --vdev "$(vdev 0 dut0 1 $set)" -- --rxq=1 --txq=1
check "a port of some queues touches no NAPI that may be another's" is "$(params dut dut0)" "$off"
check "and says why" says "does not say which NAPI serves which queue"
check "testpmd ends by itself" tp_quit

for busy in busy_poll=auto busy_poll=64 busy_budget=64; do
	TP=${busy//[=_]/}
	start_testpmd --vdev "$(vdev 0 dut0 2 $busy)" -- --rxq=2 --txq=2 --forward-mode=macswap
	tp_cmd start >/dev/null
	check "$busy: off where there is no NAPI" says "busy polling stays off: .*no NAPI"
	check "$busy: telemetry says so" is "$(of_port "d['busy_poll']")" 0
	check "$busy: nothing is changed" is "$(params dut dut0)" "$off"
	check "$busy: forwards" gen echo -n 5000 -w 128 -s 60-1514
	check "$busy: without a system call to receive" xstats_is 0 'rx_q\d+_wakeups'
	check "testpmd ends by itself" tp_quit
done
