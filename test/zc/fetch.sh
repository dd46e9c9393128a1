# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What the lab downloads, once: the emulator, small tools, guest kernels. Sourced by lab.sh, which
# sets ROOT and ZC. Sources of other Debian releases come from the archive that the machine's own
# apt configuration names; that configuration is read and left alone.

# Kernels by the number that tests use, and the release each is taken from. Where a release has
# dropped a kernel, the newest it has takes its place, if that is newer.
declare -A KERNEL_SUITE=([7.3]=trixie-backports [7.2]=trixie-backports
	[6.18]=trixie-backports [6.12]=trixie [6.1]=bookworm)

zc_skip() {
	echo "SKIP: $*"
	exit 77
}

zc_say() {
	[ -n "${ZC_QUIET-}" ] || echo "== $*"
}

# here: the release that this machine runs.
zc_here() {
	# shellcheck source=/dev/null
	(. /etc/os-release && echo "${VERSION_CODENAME-}")
}

# zc_apt SUITE STATUS COMMAND...: apt that knows SUITE (or several, by commas) and nothing else.
# STATUS is dpkg's status file: that of the machine to install, an empty one to download only.
zc_apt() {
	local suite=$1 status=$2 tool=$3 dir=$ZC/apt-${1//,/+}
	shift 3
	mkdir -p "$dir/parts" "$dir/lists/partial" "$dir/archives/partial" "$dir/preferences"
	"apt-$tool" -q -o APT::Sandbox::User=root -o Acquire::Languages=none \
		-o DPkg::Lock::Timeout=300 -o Dir::Etc::SourceList=/dev/null \
		-o Dir::Etc::SourceParts="$dir/parts" -o Dir::Etc::Preferences=/dev/null \
		-o Dir::Etc::PreferencesParts="$dir/preferences" -o Dir::State::Lists="$dir/lists" \
		-o Dir::State::Status="$status" -o Dir::Cache="$dir" \
		-o Dir::Cache::Archives="$dir/archives" "$@"
}

# zc_apt_update SUITE: sources and package lists for it.
zc_apt_update() {
	local suite=$1 dir=$ZC/apt-${1//,/+}
	[ ! -e "$dir/updated" ] || return 0
	mkdir -p "$dir/parts"
	[ "$(python3 "$ROOT/app/deb_src.py" --suites "$(zc_here)" "$suite" "$dir/parts")" != 0 ] ||
		return 1
	zc_apt "$suite" /dev/null get update -o APT::Update::Error-Mode=any \
		>"$dir/update.log" 2>&1 </dev/null || return 1
	touch "$dir/updated"
}

# Whether the emulator is there and knows the NIC we want.
zc_qemu_ok() {
	qemu-system-x86_64 -device help 2>/dev/null | grep -q '"igb"'
}

# The emulator: installed from this release if new enough, else from its backports.
zc_get_qemu() {
	local suites
	zc_qemu_ok && return
	[ "$(id -u)" = 0 ] || zc_skip "package qemu-system-x86 (8.0 or later) is missing"
	suites=$(zc_here),$(zc_here)-backports
	zc_say "installing qemu-system-x86"
	zc_apt_update "$suites" || zc_skip "package qemu-system-x86: no archive has $suites"
	DEBIAN_FRONTEND=noninteractive zc_apt "$suites" /var/lib/dpkg/status get install -y \
		--no-install-recommends -t "${suites#*,}" qemu-system-x86 \
		>"$ZC/qemu.log" 2>&1 </dev/null
	zc_qemu_ok || zc_skip "package qemu-system-x86 (8.0 or later) cannot be installed," \
		"see ${ZC#"$ROOT/"}/qemu.log"
}

# Tools that build the initramfs, by the package each is in.
zc_get_tools() {
	local tool package missing=()
	for tool in busybox-static:busybox cpio:cpio kmod:depmod zstd:zstd xz-utils:xz \
			xdp-tools:xdp-loader; do
		package=${tool%:*}
		command -v "${tool#*:}" >/dev/null || missing+=("$package")
	done
	[ "${#missing[@]}" = 0 ] || (setup_packages "${missing[@]}") ||
		zc_skip "packages ${missing[*]} cannot be installed"
}

# zc_kernel_image SUITE V: the newest stock image of kernel V in it, or the suite's default one.
zc_kernel_image() {
	local names newest
	names=$(zc_apt "$1" /dev/null cache pkgnames linux-image- 2>/dev/null)
	newest=$(grep -E "^linux-image-${2//./\\.}\.[0-9]+([+]deb[0-9]+|-[0-9]+)-amd64\$" \
		<<<"$names" | sort -V | tail -n 1)
	[ -n "$newest" ] || newest=$(grep -x linux-image-amd64 <<<"$names")
	echo "$newest"
}

# zc_kernel_packages SUITE IMAGE: the packages that hold this kernel.
zc_kernel_packages() {
	local todo=("$2") p
	while [ ${#todo[@]} != 0 ]; do
		p=${todo[0]}
		todo=("${todo[@]:1}")
		[ "$p" = linux-image-amd64 ] || echo "$p"
		mapfile -t -O ${#todo[@]} todo < <(zc_apt "$1" /dev/null cache depends \
			--no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
			--no-enhances "$p" 2>/dev/null |
			sed -nE 's/^ *\|?(Pre)?Depends: //; T
				s/^(linux-(image|binary|modules)-[0-9].*)/\1/p')
	done
}

# zc_get_kernel V: sets KDIR to a folder with vmlinuz and usr/lib/modules/<release>, KREL to its
# release.
zc_get_kernel() {
	local suite=${KERNEL_SUITE[$1]-} dir=$ZC/kernel-$1 image packages p
	[ -n "$suite" ] || zc_skip "no kernel $1 is known; there are: ${!KERNEL_SUITE[*]}"
	# shellcheck disable=SC2034 # used by those who source this
	KDIR=$dir
	if [ ! -e "$dir/complete" ]; then
		zc_say "downloading kernel $1 (of $suite)"
		zc_apt_update "$suite" || zc_skip "package linux-image-amd64 of $suite: no archive"
		image=$(zc_kernel_image "$suite" "$1")
		[ -n "$image" ] || zc_skip "package linux-image-$1 of $suite not found"
		mapfile -t packages < <(zc_kernel_packages "$suite" "$image")
		rm -rf "$dir"
		mkdir -p "$dir/deb" "$dir/unpacked"
		(cd "$dir/deb" && zc_apt "$suite" /dev/null get download "${packages[@]}") \
			>"$ZC/kernel-$1.log" 2>&1 </dev/null ||
			zc_skip "packages ${packages[*]} of $suite cannot be downloaded"
		for p in "$dir"/deb/*.deb; do
			dpkg-deb --fsys-tarfile "$p" | tar -x -C "$dir/unpacked" --wildcards \
				'./boot/vmlinuz-*' './usr/lib/modules/*' './lib/modules/*' \
				2>/dev/null
		done
		zc_tidy_kernel "$dir" || zc_skip "packages ${packages[*]} have no kernel"
		[ "$(printf '%s\n' "$1" "$(cat "$dir/release")" | sort -V | head -n 1)" = "$1" ] ||
			zc_skip "package linux-image-$1 of $suite: there is only" \
				"$(cat "$dir/release")"
		touch "$dir/complete"
	fi
	# shellcheck disable=SC2034 # used by those who source this
	KREL=$(cat "$dir/release")
}

# zc_tidy_kernel DIR: from unpacked packages to one layout for all kernels.
zc_tidy_kernel() {
	local dir=$1 release
	mkdir -p "$dir/usr/lib/modules"
	# Newer packages have merged /usr and the image beside its modules.
	mv "$dir"/unpacked/usr/lib/modules/* "$dir/usr/lib/modules/" 2>/dev/null ||
		mv "$dir"/unpacked/lib/modules/* "$dir/usr/lib/modules/" || return 1
	release=$(basename "$dir"/usr/lib/modules/*)
	mv "$dir"/unpacked/boot/vmlinuz-* "$dir/vmlinuz" 2>/dev/null ||
		mv "$dir/usr/lib/modules/$release/vmlinuz" "$dir/vmlinuz" || return 1
	ln -sfn usr/lib "$dir/lib"
	depmod -b "$dir" "$release" 2>/dev/null || return 1
	echo "$release" >"$dir/release"
	rm -rf "$dir/unpacked" "$dir/deb"
}
