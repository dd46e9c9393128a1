# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154 # variables of run.sh
# The guest tests on two connected interfaces of this machine, sourced by run.sh for --ifaces. They
# are moved into network namespaces for each test and put back after it; one that has an address is
# left alone.

# shellcheck source=app/setup.sh
. "$ROOT/app/setup.sh"

IFS=, read -r -a pair <<<"$ifaces"
if [ ${#pair[@]} != 2 ]; then
	echo "--ifaces wants two names, A,B" >&2
	exit 2
fi
for dev in "${pair[@]}"; do
	if ! ip link show dev "$dev" >/dev/null; then
		exit 2
	fi
	if [ -n "$(ip -o addr show dev "$dev" scope global)" ] ||
			[ -e "/sys/class/net/$dev/master" ]; then
		echo "$dev has an address or a master: it is in use, and is left alone" >&2
		exit 2
	fi
done

out=$LOGS/zc-ifaces
rm -rf "$out"
mkdir -p "$out"
export SHARE=$out ZC_IFACES=$ifaces
marker="net_xsk-zc-ifaces-$$"
echo "$marker" 2>/dev/null >/dev/kmsg
hugepages_take 1024 || export AFX_NO_HUGE=1
trap hugepages_give_back EXIT
uname -r >"$out/release"

# on_ifaces TEST: as guest/main.sh does.
on_ifaces() {
	local name=${1%% *} args='' status=0 began=${EPOCHREALTIME/./} log took what
	what=$(name_of ifaces "$1")
	log=$out/${what##*/}.log
	# shellcheck disable=SC2053 # a pattern on purpose
	[[ $what == $filter ]] || return 0
	if [ -n "$list" ]; then
		echo "$what"
		return 0
	fi
	[ "$name" = "$1" ] || args=${1#* }
	# shellcheck disable=SC2086 # words on purpose
	timeout -k 10 300 bash "$HERE/guest/$name.sh" $args </dev/null >"$log" 2>&1 || status=$?
	took=$(((${EPOCHREALTIME/./} - began) / 100000))
	result "$what" $status $((took / 10)).$((took % 10)) "$log"
}

on_ifaces "features nic"
if grep -q $'^nic\tzero-copy\ton' "$out/features" 2>/dev/null; then
	for test in "forward nic 1" "ping nic" "dut zc-frames nic" "dut zc-txonly nic" \
			"dut zc-reset nic" "dut zc-release nic"; do
		on_ifaces "$test"
	done
else
	echo "note: no zero-copy on ${pair[0]}:" \
		"$(sed -n 's/^nic\tzero-copy\toff\t//p' "$out/features" 2>/dev/null)"
	on_ifaces "forward nic 1 native_copy"
fi
dmesg 2>/dev/null | awk -v m="$marker" 'index($0, m) { seen = 1; next } seen' |
	grep -E 'WARNING:|BUG:|Oops|general protection|refcount_t:' >"$out/faults"
if [ -z "$list" ]; then
	[ ! -s "$out/faults" ]
	result zc/ifaces/kernel-log $? 0 "$out/faults"
fi
