#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# attach=dispatcher: where libxdp's dispatcher loads, traffic; where it does not, a reason. Either
# way starting again and again costs no descriptor, and nothing is left on the interface.
# shellcheck source=test/lib/net.sh
. "$(dirname "$0")/../lib/net.sh"
# shellcheck source=test/net/more.sh
. "$(dirname "$0")/more.sh"
only_xsk

default_pair 1
launched --vdev "$(vdev 0 dut0 1 attach=dispatcher)" -- --forward-mode=macswap
! says "built without libxdp" >/dev/null || skip "built without libxdp"
if says "net_xsk0 .dut0.: native copy, rx queues" >/dev/null; then
	answer="native copy, rx queues"
	tp_cmd start >/dev/null
	check "the dispatcher loads here: it forwards" gen echo -n 5000
	tp_cmd stop >/dev/null
else
	answer="Fail to start port 0"
	check "the dispatcher does not load here: the reason" \
		says "cannot start: libxdp (cannot )?attach(ed)? to dut0"
	check "no program left" no_xdp dut
fi
fds=$(fd_count)
for i in 1 2 3 4; do
	tp_cmd "port stop 0" >/dev/null
	check "start $i ends as the first did" shows "$answer" "port start 0"
done
check "descriptors are as many as before" is "$(fd_count)" "$fds"
check "testpmd ends by itself" tp_quit
check "no program left at the end" no_xdp dut
