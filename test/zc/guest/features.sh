#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# features KIND...: print what this kernel and the drivers of these cards have (test/zc/features.c);
# the same goes to the share, for the table of kernels.
# shellcheck source=test/zc/guest/lib.sh
. "$(dirname "$0")/lib.sh"

make_ns dut
make_veth dut veth0 dut veth1 1
list=(veth=veth0)
for kind; do
	take_card "$kind" 1 dut "$kind" 1
	list+=("$kind=$kind")
done
check "the kernel can be asked" in_ns dut "$BUILD/test/zc/features" "${list[@]}"
cp "$T/check.out" "$T/features"
cat "$T/features"
[ -z "${SHARE-}" ] || cp "$T/features" "$SHARE/features"
check "there are AF_XDP sockets" grep -q 'AF_XDP sockets.*on' "$T/features"
