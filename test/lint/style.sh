#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Form of the sources: tabs, 100 columns, no trailing blanks, an SPDX line, executables executable.
# shellcheck source=test/lib/lint.sh
. "$(dirname "$0")/../lib/lint.sh"

mapfile -t all < <(files "$ALL_FILES")
mapfile -t code < <(files "$C_FILES|$SHELL_FILES|\.py\$")
mapfile -t tabbed < <(files "$C_FILES|$SHELL_FILES")

for f in "${code[@]}"; do
	expand -t 8 "$f" | awk -v f="$f" 'length > 100 { print f ":" NR ": " length " columns" }'
done | found "lines of more than 100 columns"
grep -nE '[[:blank:]]+$|'$'\r''$' "${all[@]}" | found "blanks or carriage returns at the end"
grep -nE '^        ' "${tabbed[@]}" | found "indented with blanks"
for f in "${all[@]}"; do
	head -n 2 "$f" | grep -q 'SPDX-License-Identifier: [(]\?BSD-3-Clause' || echo "$f"
done | found "no SPDX line (BSD-3-Clause) in the first two lines"
for f in "${code[@]}"; do
	[ -z "$(tail -c 1 "$f")" ] || echo "$f"
done | found "no newline at the end"
for f in "${code[@]}"; do
	head -c 2 "$f" | grep -q '#!' && [ ! -x "$f" ] && echo "$f"
done | found "starts with #! and is not executable"
