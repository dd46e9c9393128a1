#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Installed into DPDK's plugin folder the driver needs no -d; a folder given to -d works as well;
# dpdk-pmdinfo.py shows its name and parameters.
# shellcheck source=test/lib/net.sh
. "$(dirname "$0")/../lib/net.sh"
# shellcheck source=test/net/more.sh
. "$(dirname "$0")/more.sh"
only_xsk

forwards() {
	tp_cmd start >/dev/null && gen echo -n 5000
}

pmdinfo() {
	"$pmdinfo" "$1" | tee "$T/pmdinfo"
	[ "$(jget "[p['params'].count('iface=') for p in d if p['name'] == 'net_xsk']" \
		<"$T/pmdinfo")" = "[1]" ]
}

default_pair 1
must "meson install" meson install -C "$BUILD" --no-rebuild --destdir "$T/dest"
so=$(find "$T/dest" -name 'librte_net_xsk.so*' -type f | head -n 1)
must "it installs the plugin" test -n "$so"
pmds=$(dirname "$(find /usr/lib /usr/local/lib -name 'librte_net_af_packet.so' 2>/dev/null |
	grep /pmds- | head -n 1)")
pmdinfo=$(command -v dpdk-pmdinfo.py || command -v dpdk-pmdinfo)
# It needs pyelftools, in the Python of its own first line.
if [ -n "$pmdinfo" ] && "$pmdinfo" --help >/dev/null 2>&1; then
	check "dpdk-pmdinfo shows the driver and its parameters" pmdinfo "$so"
	for key in netns start_queue queue_count mode force_copy attach xdp_prog use_pinned_map \
			use_cni dp_path umem umem_cap shared_umem busy_budget \
			busy_poll tune napi_defer napi_flush same_lcore; do
		check "among them $key" grep -q "[ \"]$key=" "$T/pmdinfo"
	done
else
	echo "note: no dpdk-pmdinfo.py with pyelftools, what it shows was not checked"
fi

# No option names the plugin from here on.
plugin_load() {
	plugin_args=()
}
launched -d "$(dirname "$so")" --vdev "$(vdev 0 dut0)" -- --forward-mode=macswap
check "-d FOLDER loads it" forwards
check "testpmd ends by itself" tp_quit

[ "$pmds" != . ] || skip "DPDK's plugin folder not found"
mkdir "$T/pmds" || exit 1
cp -a "$pmds/." "$so" "$T/pmds/" || exit 1
must "a private copy of $pmds" mount --bind "$T/pmds" "$pmds"
TP=auto
launched --vdev "$(vdev 0 dut0)" -- --forward-mode=macswap
check "in DPDK's plugin folder it is loaded without -d" forwards
check "testpmd ends by itself" tp_quit || exit 1
umount "$pmds"
TP=without
tp_launch --vdev "$(vdev 0 dut0)" -- --forward-mode=macswap
check "without the plugin there is no such driver" tp_ends_with 1 30
check "and it is named" grep -q "failed to parse device .net_xsk0" "$T/without.out"
