#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What a header declares is defined somewhere, and every header can be included twice.
# shellcheck source=test/lib/lint.sh
. "$(dirname "$0")/../lib/lint.sh"
universal_ctags

mapfile -t headers < <(files '^(lib|drivers|app|test)/.*\.h$')
mapfile -t sources < <(files '^(lib|drivers|app|test)/.*\.[ch]$')
tmp=$(mktemp -d) || exit 1
ctags -x --c-kinds=f --_xformat='%N' "${sources[@]}" | sort -u >"$tmp/defined"
ctags -x --c-kinds=p --_xformat='%N %F:%n' "${headers[@]}" | sort -u >"$tmp/declared"
join -v 1 "$tmp/declared" "$tmp/defined" >"$tmp/missing"
rm -r "${tmp:?}/defined" "$tmp/declared"
found "declared and not defined" <"$tmp/missing"
rm -r "$tmp"
for f in "${headers[@]}"; do
	grep -qE '^#ifndef [A-Z0-9_]+_H_?$' "$f" || echo "$f"
done | found "headers without an include guard"
