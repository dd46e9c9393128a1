#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Who may include whom: the library knows no DPDK, its memory side and its control side do not know
# each other, DPDK's version is asked in one file, nothing below includes what stands above.
# shellcheck source=test/lib/lint.sh
. "$(dirname "$0")/../lib/lint.sh"

MEMORY='ring|frame|umem|socket|kick'
CONTROL='ctl|netlink|netdev|ethtool|napi'
includes='^[[:blank:]]*#[[:blank:]]*include[[:blank:]]*[<"]'

# in_files REGEX PATTERN: lines with PATTERN in the files that match REGEX.
in_files() {
	files "$1" | xargs -r grep -nHE "$2"
}

in_files '^lib/.*\.[ch]$' "${includes}(rte_|ethdev_|bus_|eal_)" | found "lib includes DPDK"
in_files '^lib/.*\.[ch]$' "${includes}(\.\./)*(drivers|test|app|xsk)" |
	found "lib includes what stands above it"
in_files '^drivers/.*\.[ch]$' "${includes}(\.\./)*(test|app)/" |
	found "the driver includes what stands above it"
in_files "^lib/afx_($MEMORY)\.[ch]\$" "${includes}afx_($CONTROL|prog|rules?)\.h" |
	found "the memory side of lib includes the control side"
in_files "^lib/afx_($CONTROL)\.[ch]\$" "${includes}afx_($MEMORY)\.h" |
	found "the control side of lib includes the memory side"
in_files '^lib/afx_(prog|rules?)\.[ch]$' "${includes}afx_($MEMORY)\.h" |
	found "prog and rules take descriptors, not sockets"
in_files '^(lib|drivers|app|test)/.*\.[ch]$' '^[[:blank:]]*#[[:blank:]]*(el)?if.*RTE_VERSION' |
	grep -v '/dpdk_compat\.h:' | found "RTE_VERSION asked outside dpdk_compat.h"
in_files '^(lib|drivers|app|test)/.*\.[ch]$' \
	'^[[:blank:]]*#[[:blank:]]*(el)?if.*(LINUX_VERSION_CODE|KERNEL_VERSION)' |
	grep -v '/afx_uapi\.h:' | found "the kernel version asked outside afx_uapi.h"
in_files '^lib/.*\.c$' '\b(printf|puts|perror|fprintf|syslog) *\(' |
	found "lib prints (it fills struct afx_err instead)"
