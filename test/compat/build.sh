#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Builds the project against the DPDK of another system and runs it there: see usage below. It works
# in mount and process namespaces of its own, so nothing is left in ROOT, and the tree is seen
# read-only. For maintainers; the tests of the installed DPDK are started by test/run.sh.
set -u -o pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TREE=$(cd "$HERE/../.." && pwd)
MEM_MB=512    # testpmd's and, with room, what a test of memory takes

usage() {
	cat <<-END
	usage: test/compat/build.sh [options] ROOT DPDK_SRC     (as root)
	  ROOT           folder with a system that has libdpdk-dev, or / for this one
	  DPDK_SRC       DPDK source tree of the same version, for the driver headers
	  --cc C[,C]     compilers (default gcc,clang); warnings are errors
	  --run          then run test/compat/smoke.sh there, with the last compiler's build
	  --test FILE    or this test of the tree (test/net/x_test.sh); may be repeated
	  --meson ARGS   or these of the compiled tests (a name, or --suite pmd); may be repeated
	A ROOT is made, for example, by
	  mmdebstrap --variant=apt --include=PACKAGES SUITE ROOT
	with the packages
	  dpdk dpdk-dev libdpdk-dev ?name(^librte-net-af-xdp) ?name(^librte-mempool-ring) gcc clang
	  meson ninja-build pkg-config bpftool libbpf-dev libxdp-dev linux-libc-dev libc6-dev
	  iproute2 ethtool mount procps python3
	Exit status 0 when everything asked for went well.
	END
}

die() {
	echo "$*" >&2
	exit 2
}

# What follows runs in the namespaces. MNT is where ROOT's /mnt is seen from here.

# show_log FILE TITLE: of something that failed.
show_log() {
	echo "not ok - $2"
	tail -n "${AFX_LOG_LINES:-60}" "$1" | sed 's/^/    /'
}

# prepare: ROOT with kernel folders, and the three folders below its /mnt.
prepare() {
	local dir
	mount -t tmpfs -o mode=0755 tmpfs "$STAGE" &&
		mkdir "$STAGE/tree" "$STAGE/dpdk" "$STAGE/out" &&
		mount --bind "$TREE" "$STAGE/tree" && mount -o remount,bind,ro "$STAGE/tree" &&
		mount --bind "$DPDK" "$STAGE/dpdk" && mount -o remount,bind,ro "$STAGE/dpdk" ||
		return 1
	if [ "$ROOT" != / ]; then
		# unshare(1) and ip-netns(8) want the root to be a mount point.
		mount --bind "$ROOT" "$ROOT" && mount -t proc proc "$ROOT/proc" || return 1
		for dir in dev sys; do
			mount --rbind /$dir "$ROOT/$dir" || return 1
		done
		for dir in run tmp; do
			mount -t tmpfs -o mode=0755 tmpfs "$ROOT/$dir" || return 1
		done
	fi
	mount --rbind "$STAGE" "$ROOT/mnt"
}

in_root() {
	chroot "$ROOT" /usr/bin/env -i HOME=/ LANG=C.UTF-8 TERM=dumb \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# build COMPILER: into /mnt/out/COMPILER.
build() {
	local cc=$1 log=$STAGE/out/$1.log
	in_root which "$cc" >/dev/null || { echo "not ok - no $cc in $ROOT"; return 1; }
	if ! in_root CC="$cc" meson setup -Dwerror=true -Ddpdk_src=/mnt/dpdk "/mnt/out/$cc" \
			/mnt/tree >"$log" 2>&1; then
		show_log "$log" "$cc: meson setup"
		return 1
	fi
	sed -n 's/^ *\(DPDK\|plugin folder\) *:/# \1:/p' "$log"
	if ! in_root ninja -C "/mnt/out/$cc" >"$log" 2>&1; then
		show_log "$log" "$cc: ninja"
		return 1
	fi
	# The compilers' warnings are errors; this finds those of clang for BPF, bpftool and linker.
	if grep -iE 'warning[: ]' "$log"; then
		echo "not ok - $cc: warnings"
		return 1
	fi
	echo "ok - $cc: $(in_root "$cc" --version | head -n 1)"
}

# run NAME COMMAND...: in ROOT; status 77 counts as passed, and is shown.
run() {
	local name=$1 log=$STAGE/out/test.log status=0
	shift
	in_root BUILD="/mnt/out/$last" "$@" >"$log" 2>&1 </dev/null || status=$?
	case $status in
	0)
		grep -E '^(ok -|# |note:|Ok:|Skipped:|Fail:)' "$log" | sed 's/^/    /'
		echo "ok - $name"
		;;
	77) echo "ok - $name # $(grep '^SKIP' "$log")" ;;
	*) show_log "$log" "$name, status $status"; return 1 ;;
	esac
}

inside() {
	local status=0 item last=
	prepare || die "cannot make $ROOT ready"
	for item in ${COMPILERS//,/ }; do
		build "$item" || status=1
		last=$item
	done
	[ $status = 0 ] || return 1
	for item in "${TESTS[@]}"; do
		run "$item" /mnt/tree/"$item" || status=1
	done
	for item in "${MESON[@]}"; do
		# shellcheck disable=SC2086 # may be several words
		run "meson test $item" meson test --no-rebuild --print-errorlogs \
			-C "/mnt/out/$last" $item || status=1
	done
	return $status
}

COMPILERS=gcc,clang
TESTS=()
MESON=()
arguments=("$@")
while [ $# -gt 0 ]; do
	case $1 in
	--cc) COMPILERS=${2?--cc: which}; shift ;;
	--run) TESTS+=(test/compat/smoke.sh) ;;
	--test)
		[ -x "$TREE/${2?--test: which}" ] || die "--test $2: no such program in $TREE"
		TESTS+=("$2"); shift ;;
	--meson) MESON+=("${2?--meson: what}"); shift ;;
	-h|--help) usage; exit 0 ;;
	-*) usage >&2; exit 2 ;;
	*) break ;;
	esac
	shift
done
[ $# = 2 ] || { usage >&2; exit 2; }
[ "$(id -u)" = 0 ] || die "must be run as root"
ROOT=$(cd "$1" 2>/dev/null && pwd -P) || die "$1: no such folder"
DPDK=$(cd "$2" 2>/dev/null && pwd -P) || die "$2: no such folder"
[ -d "$ROOT/mnt" ] || die "$ROOT: no system there (no folder mnt)"

if [ -n "${AFX_STAGE-}" ]; then
	STAGE=$AFX_STAGE
	unset AFX_STAGE
	inside
	exit
fi
# shellcheck source=app/setup.sh
. "$TREE/app/setup.sh"
STAGE=$(mktemp -d) || exit 1
trap 'hugepages_give_back; rmdir "$STAGE"' EXIT
trap 'exit 143' INT TERM
[ ${#TESTS[@]} = 0 ] && [ ${#MESON[@]} = 0 ] || hugepages_take "$MEM_MB" ||
	echo "note: the kernel has no $MEM_MB MB of free hugepages"
AFX_STAGE=$STAGE unshare --mount --pid --fork --kill-child --mount-proc --propagation private \
	"$BASH" "$0" "${arguments[@]}"
