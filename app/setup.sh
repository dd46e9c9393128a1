#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# From a fresh Debian to a built driver: packages, DPDK's driver headers, meson, ninja. Run by
# itself it does all of that (as root); quickstart.sh and test/run.sh source it.
#
#   app/setup.sh [BUILD_FOLDER [MESON_OPTION...]]       (default: build)

SETUP_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SETUP_CACHE=$SETUP_ROOT/.cache

# What building and the quick start need. dpdk is for dpdk-testpmd.
SETUP_PACKAGES=(
	gcc libc6-dev pkg-config meson ninja-build clang bpftool dpkg-dev python3
	dpdk dpdk-dev libdpdk-dev libbpf-dev libxdp-dev iproute2 ethtool procps util-linux
)

# setup_private_run: a /run of our own where EAL would take no plugin from the one there is, since
# everybody may write to it (containers). Only in a private mount namespace.
setup_private_run() {
	[ -z "$(find /run -maxdepth 0 -perm -o+w)" ] || mount -t tmpfs -o mode=0755 tmpfs /run
}

setup_say() {
	echo "== $*"
}

setup_die() {
	echo "error: $*" >&2
	exit 1
}

# setup_run LOG COMMAND...: quietly; the end of what it said is shown when it fails.
setup_run() {
	local log=$1
	shift
	mkdir -p "$(dirname "$log")"
	"$@" >"$log" 2>&1 </dev/null && return 0
	echo "failed: $*" >&2
	tail -n 25 "$log" | sed 's/^/    /' >&2
	return 1
}

# setup_packages PACKAGE...: install those that are missing.
setup_packages() {
	local p missing=() apt
	command -v dpkg-query >/dev/null || {
		echo "note: not a Debian system, packages are taken as installed"
		return 0
	}
	for p; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] ||
			missing+=("$p")
	done
	[ ${#missing[@]} != 0 ] || return 0
	[ "$(id -u)" = 0 ] || setup_die "packages are missing and only root can install them:" \
		"${missing[*]}"
	setup_say "installing ${missing[*]}"
	apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
	# Without package lists, or with old ones, the first try fails.
	"${apt[@]}" install -y --no-install-recommends "${missing[@]}" \
		>/dev/null 2>&1 </dev/null && return 0
	setup_run "$SETUP_CACHE/apt-update.log" "${apt[@]}" update ||
		setup_die "apt-get update does not work on this machine: check network and /etc/apt"
	setup_run "$SETUP_CACHE/apt-install.log" \
		"${apt[@]}" install -y --no-install-recommends "${missing[@]}" ||
		setup_die "apt-get cannot install: ${missing[*]}"
}

# Fetch and unpack the source package dpdk of version $1 into folder $2, by apt sources of our own
# that say where the machine's packages come from.
setup_fetch_source() {
	local version=$1 out=$2 tmp uris apt
	tmp=$(mktemp -d "$SETUP_CACHE/fetch.XXXXXX") || return 1
	mkdir -p "$tmp/parts" "$tmp/lists/partial" "$tmp/archives/partial"
	mapfile -t uris < <(apt-cache madison libdpdk-dev |
		awk -F ' *[|] *' '{ split($3, w, " "); print w[1] }' | sort -u)
	[ "$(python3 "$SETUP_ROOT/app/deb_src.py" "$tmp/parts" "${uris[@]}")" != 0 ] ||
		[ "$(python3 "$SETUP_ROOT/app/deb_src.py" "$tmp/parts")" != 0 ] ||
		setup_die "no package archive is configured below /etc/apt, so the source of" \
			"libdpdk-dev $version cannot be fetched; see doc for -Ddpdk_src"
	# Root throughout: the cache need not be open to apt's own user.
	apt=(apt-get -q -o APT::Sandbox::User=root -o Dir::Etc::SourceList=/dev/null
		-o Dir::Etc::SourceParts="$tmp/parts" -o Dir::State::Lists="$tmp/lists"
		-o Dir::Cache="$tmp" -o Dir::Cache::Archives="$tmp/archives"
		-o Acquire::Languages=none)
	# One archive of several may have no sources: what counts is whether the download works.
	"${apt[@]}" update >"$SETUP_CACHE/fetch.log" 2>&1 </dev/null
	if ! (
		cd "$tmp" && "${apt[@]}" source --download-only --only-source "dpdk=$version"
	) >>"$SETUP_CACHE/fetch.log" 2>&1 </dev/null; then
		tail -n 15 "$SETUP_CACHE/fetch.log" | sed 's/^/    /' >&2
		rm -rf "$tmp"
		setup_die "the source of the installed libdpdk-dev ($version) cannot be fetched;" \
			"if the archive has a newer one: apt-get install libdpdk-dev dpdk"
	fi
	setup_run "$SETUP_CACHE/unpack.log" \
		dpkg-source --no-check -x "$tmp"/dpdk_*.dsc "$tmp/src" &&
		mv "$tmp/src" "$out"
	rm -rf "$tmp"
	[ -e "$out/VERSION" ]
}

# setup_headers: set SETUP_DPDK_SRC to a DPDK source tree of the installed version, or to nothing
# where the driver headers are installed.
setup_headers() {
	local version dir
	SETUP_DPDK_SRC=
	for dir in $(pkg-config --cflags-only-I libdpdk 2>/dev/null) -I/usr/include; do
		[ ! -e "${dir#-I}/ethdev_driver.h" ] || return 0
	done
	# shellcheck disable=SC2016 # dpkg-query's own variable
	version=$(dpkg-query -W -f '${source:Version}' libdpdk-dev 2>/dev/null) ||
		setup_die "DPDK's driver headers are not installed; give its source tree:" \
			"meson setup build -Ddpdk_src=<tree>"
	dir=$SETUP_CACHE/dpdk-$version
	mkdir -p "$SETUP_CACHE"
	(
		flock 9
		if [ ! -e "$dir/VERSION" ]; then
			setup_say "fetching the source of DPDK $version for its driver headers"
			setup_fetch_source "$version" "$dir" || exit 1
		fi
	) 9>"$SETUP_CACHE/lock" || exit 1
	SETUP_DPDK_SRC=$dir
}

# setup_build FOLDER [MESON_OPTION...]: configure (again) and build, all or the targets that
# SETUP_TARGETS names.
setup_build() {
	local dir=$1 log=$1/setup.log again=
	shift
	setup_say "building in ${dir#"$SETUP_ROOT/"}${*:+ ($*)}"
	mkdir -p "$dir"
	[ ! -e "$dir/build.ninja" ] || again=--reconfigure
	setup_run "$log" meson setup $again "$dir" "$SETUP_ROOT" \
		-Ddpdk_src="$SETUP_DPDK_SRC" "$@" || return 1
	# shellcheck disable=SC2086 # words on purpose
	setup_run "$dir/ninja.log" ninja -C "$dir" ${SETUP_TARGETS-}
}

# hugepages_take MB: see that so much is free in pages of the default size, and remember what to
# give back. Pages are only ever added to what is there. 1 when the kernel has not got them.
hugepages_take() {
	local kb free need
	[ -e /proc/sys/vm/nr_hugepages ] || return 1
	kb=$(awk '/^Hugepagesize:/ { print $2 }' /proc/meminfo)
	free=$(awk '/^HugePages_Free:/ { n += $2 } /^HugePages_Rsvd:/ { n -= $2 }
		END { print n }' /proc/meminfo)
	need=$((($1 * 1024 + kb - 1) / kb - free))
	[ $need -gt 0 ] || return 0
	HUGEPAGES_FOUND=$(cat /proc/sys/vm/nr_hugepages)
	echo 1 >/proc/sys/vm/compact_memory 2>/dev/null
	echo $((HUGEPAGES_FOUND + need)) 2>/dev/null >/proc/sys/vm/nr_hugepages || return 1
	HUGEPAGES_SET=$(cat /proc/sys/vm/nr_hugepages)
	[ "$HUGEPAGES_SET" -ge $((HUGEPAGES_FOUND + need)) ]
}

# hugepages_give_back: undo hugepages_take, unless somebody else changed the count meanwhile.
hugepages_give_back() {
	[ -n "${HUGEPAGES_SET-}" ] || return 0
	[ "$(cat /proc/sys/vm/nr_hugepages)" != "$HUGEPAGES_SET" ] ||
		echo "$HUGEPAGES_FOUND" >/proc/sys/vm/nr_hugepages
	HUGEPAGES_SET=
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	set -u -o pipefail
	dir=${1:-$SETUP_ROOT/build}
	[ $# = 0 ] || shift
	mkdir -p "$dir" || exit 1
	dir=$(cd "$dir" && pwd)
	setup_packages "${SETUP_PACKAGES[@]}"
	setup_headers
	setup_build "$dir" "$@" || setup_die "the build failed"
fi
