#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Secondary processes beside a forwarding primary: dpdk-proc-info shows its port, dpdk-dumpcap
# captures, neither costs a packet, and killing them harms nothing.
# limit: 300
# shellcheck source=test/lib/net.sh
. "$(dirname "$0")/../lib/net.sh"
# shellcheck source=test/net/more.sh
. "$(dirname "$0")/more.sh"
only_xsk
[ -z "${AFX_NO_HUGE-}" ] || skip "needs hugepages: processes share no other memory"
command -v dpdk-dumpcap >/dev/null && command -v dpdk-proc-info >/dev/null ||
	skip "needs dpdk-dumpcap and dpdk-proc-info"

proc_info() {
	in_ns dut timeout -k 5 60 dpdk-proc-info --no-pci --file-prefix tp "${plugin_args[@]}" \
		-- -p 1 "$@" 2>&1 | tee "$T/info"
}

# dumpcap OPTIONS...: it takes no EAL options, so the plugin must be where EAL looks by itself.
dumpcap() {
	timeout -k 5 60 dpdk-dumpcap --file-prefix=tp -i net_xsk0 -w "$T/cap.pcapng" "$@"
}

captured() {
	[ "$(tcpdump -nr "$T/cap.pcapng" 2>/dev/null | grep -c 'UDP')" -ge "$1" ]
}

traffic() {
	gen echo -n "$1" -r 10000 -w 128 -s 60-1514 -t 60 >"$T/echo.json"
}

pmds=$(dirname "$(find /usr/lib /usr/local/lib -name 'librte_net_af_packet.so' 2>/dev/null |
	grep /pmds- | head -n 1)")
[ "$pmds" != . ] || skip "DPDK's plugin folder not found"
default_pair 2
plugin_load
mkdir "$T/pmds" && cp -a "$pmds/." "$PLUGIN" "$T/pmds/" &&
	mount --bind "$T/pmds" "$pmds" || exit 1
at_exit "umount $pmds"
start_testpmd --vdev "$(vdev 0 dut0 2)" -- --rxq=2 --txq=2 --forward-mode=macswap
tp_cmd start >/dev/null

must "without a secondary all is well" traffic 20000
traffic 60000 &
pid=$!
check "proc-info ends well" proc_info --stats
check "and shows what was received" grep -qE "ipackets: *[0-9]{5}|RX-packets: *[0-9]{5}" "$T/info"
check "it shows xstats" proc_info --xstats
check "those of the driver" grep -qE "tx_q0_zero_copy: *[0-9]" "$T/info"
check "it shows the port" proc_info --show-port
wait "$pid"
check "no packet was lost meanwhile" is "$?" 0

traffic 60000 &
pid=$!
check "dumpcap captures" dumpcap -c 200
check "what it wrote are packets" captured 200
wait "$pid"
check "no packet was lost meanwhile" is "$?" 0

traffic 60000 &
pid=$!
rm -f "$T/cap.pcapng"
dumpcap >"$T/dumpcap.out" 2>&1 &
cap=$!
check "an endless capture runs" wait_for 20 captured 100
kill -KILL "$(pgrep -P $cap)"
wait "$cap" 2>/dev/null
wait "$pid"
check "killing it costs the primary nothing" is "$?" 0
check "which works on" traffic 20000
check "and is alive to its command line" shows 'RX-packets: 2[0-9]{5}' "show port stats 0"
check "its program is in place" not no_xdp dut
check "testpmd ends by itself" tp_quit
