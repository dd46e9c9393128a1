#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A guest whose network cards do AF_XDP zero-copy, in plain emulation: no virtualisation of the
# processor is needed. It runs on the machine's own root, read-only. How to use it: README.md.
set -u -o pipefail

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
ZC=$ROOT/.cache/zc
BUILD=${BUILD:-$ROOT/build}
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=app/setup.sh
. "$ROOT/app/setup.sh"
# shellcheck source=test/zc/fetch.sh
. "$ROOT/test/zc/fetch.sh"
# shellcheck source=test/zc/boot.sh
. "$ROOT/test/zc/boot.sh"

usage() {
	cat <<-END
	usage: test/zc/lab.sh prepare                       download what is missing
	       test/zc/lab.sh run [options] TEST...         boot, run tests, judge
	       test/zc/lab.sh shell [options]               boot, open a shell
	TEST is one argument: a file of test/zc/guest and its arguments, "forward igb 2".
	  --kernel V          ${!KERNEL_SUITE[*]} (default 7.2)
	  --nics KIND[,KIND]  igb, virtio, virtio-mq2, virtio-mq4, virtio-plain
	                      (default igb,virtio)
	  --iommu [MODE]      a translating IOMMU; MODE nopt (default) translates, pt does not
	  --limit S           seconds for the whole guest (default 300)
	  --out DIR           where logs go (default build/test-logs/zc)
	END
	exit "$1"
}

# zc_prepare KERNEL...
zc_prepare() {
	local k
	mkdir -p "$ZC"
	exec 9>"$ZC/lock"
	flock 9
	zc_get_tools
	zc_get_qemu
	for k; do
		zc_get_kernel "$k"
	done
	exec 9>&-
}

# What the kernel must not say.
kernel_faults() {
	grep -E 'WARNING:|BUG:|Oops|general protection|refcount_t:|SAN: |hung_task|Call Trace' \
		"$1"
}

# unused_drivers: files of DPDK drivers that no test names and testpmd is not linked with. Each
# start of DPDK loads all that are installed.
unused_drivers() {
	local linked file
	linked=$(ldd "$(command -v dpdk-testpmd)" 2>/dev/null)
	for file in /usr/lib/*/dpdk/pmds-*/librte_*.so; do
		case ${file##*/} in
		librte_bus_* | librte_common_* | librte_mempool_*) ;;
		librte_net_af_xdp.so | librte_net_e1000.so | librte_net_virtio.so) ;;
		*) [[ $linked == *"${file##*/}"* ]] || printf '%s\n' "$file"* ;;
		esac
	done
}

# job KIND: the share, with what the guest is to do.
job() {
	local v
	rm -rf "$OUT"
	mkdir -p "$OUT" || exit 1
	: >"$OUT/results"
	# shellcheck disable=SC2034 # used by those who source this
	JOB=$1 GUEST=$ROOT/test/zc/guest
	for v in JOB ROOT BUILD GUEST LIMIT; do
		[ -z "${!v-}" ] || printf '%s=%q\n' "$v" "${!v}"
	done >"$OUT/job"
	printf '%s\n' "${tests[@]}" >"$OUT/tests"
	unused_drivers >"$OUT/unused"
	zc_initramfs "$OUT.initrd" || zc_skip "the initramfs for kernel $KREL cannot be made"
}

# judge: print one line per test. 0 when all passed, 77 when all that ran were skipped.
judge() {
	local status=0 line rc took name number=0 passed=0 skipped=0
	while read -r rc took name; do
		number=$((number + 1))
		case $rc in
		0) line=pass passed=$((passed + 1)) ;;
		77) line=skip skipped=$((skipped + 1)) ;;
		*) line=FAIL status=1 ;;
		esac
		printf '%-4s %-6s %-40s %6s s' $line "$KERNEL" "$name" "$took"
		case $line in
		skip) echo "  $(sed -n 's/^[0-9]* SKIP: *//p' "$OUT/$number.log" | tail -n 1)" ;;
		FAIL)
			echo
			grep -vE '^([0-9]+ )?ok - ' "$OUT/$number.log" |
				tail -n 40 | sed 's/^/     | /'
			;;
		*) echo ;;
		esac
	done <"$OUT/results"
	if [ $number != ${#tests[@]} ]; then
		echo "FAIL $KERNEL: the guest ran $number of ${#tests[@]} tests;" \
			"its console ends with"
		tail -n 15 "$OUT/console" | sed 's/^/     | /'
		status=1
	fi
	if kernel_faults "$OUT/dmesg" >"$OUT/faults" 2>/dev/null; then
		echo "FAIL $KERNEL: the guest's kernel log (${OUT#"$ROOT/"}/dmesg) says:"
		head -n 20 "$OUT/faults" | sed 's/^/     | /'
		status=1
	fi
	[ $status = 0 ] || return $status
	[ $passed != 0 ] || return 77
}

run() {
	[ ${#tests[@]} != 0 ] || usage 2
	[ -e "$BUILD/drivers/net/xsk/librte_net_xsk.so" ] || zc_skip "driver not built: $BUILD"
	zc_prepare "$KERNEL"
	job tests
	TIMEFORMAT='== the guest took %R s, %U s of processor time'
	time { (zc_qemu "$OUT" "$LIMIT_ALL") >"$OUT/console" 2>&1 </dev/null; }
	[ -e "$OUT/dmesg" ] || cp "$OUT/console" "$OUT/dmesg"
	rm -f "$OUT.initrd"
	judge
}

shell() {
	zc_prepare "$KERNEL"
	job shell
	(zc_qemu "$OUT" 36000)
	rm -f "$OUT.initrd"
}

# For a busy machine: all limits times this.
patience=${ZC_PATIENCE:-1}
command=${1-}
[ $# = 0 ] || shift
if [ "$command" = in-taps ]; then
	zc_taps || zc_skip "no tap devices here (module tun, CAP_NET_ADMIN)"
	exec "$@"
fi
KERNEL=7.2 NICS=igb,virtio IOMMU='' LIMIT_ALL=300 OUT=$BUILD/test-logs/zc tests=()
while [ $# -gt 0 ]; do
	case $1 in
	--kernel) KERNEL=${2:?} && shift ;;
	--nics) NICS=${2:?} && shift ;;
	--iommu)
		IOMMU=nopt
		case ${2-} in pt | nopt) IOMMU=$2 && shift ;; esac
		;;
	--limit) LIMIT_ALL=${2:?} && shift ;;
	--out) OUT=$(realpath -m "${2:?}") && shift ;;
	-h | --help) usage 0 ;;
	-*) usage 2 ;;
	*) tests+=("$1") ;;
	esac
	shift
done
# shellcheck disable=SC2034 # LIMIT goes to the guest by its name
LIMIT_ALL=$((LIMIT_ALL * patience)) LIMIT=$((400 * patience))
case $command in
prepare)
	# shellcheck disable=SC2086 # the numbers, as words
	zc_prepare ${!KERNEL_SUITE[*]}
	;;
run) run ;;
shell) shell ;;
*) usage 2 ;;
esac
