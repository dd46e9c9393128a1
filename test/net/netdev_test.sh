#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What a port changes on its netdev: promiscuity goes with the process, MTU and MAC are put back at
# close and, after a SIGKILL, by the next start. netns= and altnames reach the interface.
# shellcheck source=test/lib/net.sh
. "$(dirname "$0")/../lib/net.sh"
# shellcheck source=test/net/more.sh
. "$(dirname "$0")/more.sh"
only_xsk

# link FIELD: a number of ip -d link.
link() {
	ip -n dut -d -j link show dut0 | jget "d[0]['$1']"
}

link_is() {
	is "$(link "$1")" "$2"
}

kill_tp() {
	kill -KILL "$(tp_pid)"
	tp_ends_with 137 10
}

default_pair 1
mkdir -p /run/net_xsk && mount -t tmpfs -o mode=0755 tmpfs /run/net_xsk || exit 1
at_exit "umount /run/net_xsk"
ip -n dut link property add dev dut0 altname a-rather-long-alternative-name
mac=$(link address)
ports=("$(vdev 0 a-rather-long-alternative-name)" "$(vdev 0 dut0 1 netns=dut)"
	"$(vdev 0 dut0 1 netns=/run/netns/dut)")
for i in 0 1 2; do
	TP=n$i
	TP_NS="gen"
	[ $i != 0 ] || TP_NS="dut"
	start_testpmd --vdev "${ports[i]}" -- --forward-mode=macswap
	tp_cmd start >/dev/null
	check "${ports[i]}: forwards" gen echo -n 5000
	check "${ports[i]}: promiscuous by default in testpmd" link_is promiscuity 1
	tp_cmd "set promisc 0 off" >/dev/null
	check "${ports[i]}: no longer" link_is promiscuity 0
	tp_cmd "set promisc 0 on" >/dev/null
	tp_cmd "set allmulti 0 on" >/dev/null
	check "${ports[i]}: again, and all multicast" \
		is "$(link promiscuity) $(link allmulti)" "1 1"
	if [ $i = 0 ]; then
		check "testpmd ends by itself" tp_quit
	else
		check "it is killed" kill_tp
	fi
	check "${ports[i]}: promiscuity is gone" wait_for 5 link_is promiscuity 0
	check "${ports[i]}: all multicast too" wait_for 5 link_is allmulti 0
	check "${ports[i]}: no program" wait_for 5 no_xdp dut
done
TP_NS="dut"

TP=first
start_testpmd --vdev "$(vdev 0 dut0)" -- --forward-mode=macswap
check "a start changes neither MTU nor MAC" is "$(link mtu) $(link address)" "1500 $mac"
for how in close kill next; do
	tp_cmd "mac_addr set 0 02:00:00:00:00:77" >/dev/null
	tp_cmd "port stop 0" >/dev/null
	tp_cmd "port config mtu 0 1400" >/dev/null
	tp_cmd "port start 0" >/dev/null
	check "$how: MTU and MAC are set" is "$(link mtu) $(link address)" "1400 02:00:00:00:00:77"
	case $how in
	close)
		check "$how: testpmd ends by itself" tp_quit
		check "$how: both are put back" is "$(link mtu) $(link address)" "1500 $mac"
		TP=second
		start_testpmd --vdev "$(vdev 0 dut0)" -- --forward-mode=macswap
		;;
	kill)
		check "$how: it is killed" kill_tp
		check "$how: that leaves them" is "$(link mtu) $(link address)" \
			"1400 02:00:00:00:00:77"
		TP=third
		start_testpmd --vdev "$(vdev 0 dut0)" -- --forward-mode=macswap
		check "$how: the next start puts them back" is "$(link mtu) $(link address)" \
			"1500 $mac"
		;;
	next)
		check "$how: testpmd ends by itself" tp_quit
		check "$how: also those of a second round" \
			is "$(link mtu) $(link address)" "1500 $mac"
		;;
	esac
done
check "no record is left" is "$(ls /run/net_xsk)" ""
