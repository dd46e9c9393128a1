#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Words that have no place in the tree: open ends, paths and hosts of one machine, waiting by the
# clock, ending processes by name.
# shellcheck source=test/lib/lint.sh
. "$(dirname "$0")/../lib/lint.sh"

mapfile -t all < <(files '.' | grep -v '^test/lint/words\.sh$' | grep -vE '\.(png|svg|pcap)$')
mapfile -t shell < <(files "$SHELL_FILES" | grep -v '^test/lint/words\.sh$')
grep -nHE '\b(TODO|FIXME|XXX|HACK)\b' "${all[@]}" | grep -vE 'mktemp|fetch\.XXX' |
	found "left open"
grep -nHE '(^|[^A-Za-z0-9_.])/(work|root|home|Users)/' "${all[@]}" | found "paths of one machine"
grep -nHE '(https?|ftp)://[^ ]*(deb\.|ftp\.|archive\.|mirror|snapshot)[^ ]*' "${all[@]}" |
	found "package archives by name"
grep -nHE '^[[:blank:]]*sleep [1-9]' "${shell[@]}" | grep -v '#' |
	found "waiting by the clock (wait_for a condition, or say behind it what is paced)"
grep -nHE '\b(pkill|killall)\b' "${shell[@]}" | found "ending processes by name"
