#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A file of more than 500 lines is two files, a function of more than 80 lines is two functions.
# shellcheck source=test/lib/lint.sh
. "$(dirname "$0")/../lib/lint.sh"
universal_ctags

mapfile -t code < <(files "$C_FILES|$SHELL_FILES|\.py\$")
mapfile -t with_functions < <(files "$C_FILES|\.py\$")
for f in "${code[@]}"; do
	awk -v f="$f" 'END { if (NR > 500) print f ": " NR " lines" }' "$f"
done | found "files of more than 500 lines"
ctags -x --c-kinds=f --python-kinds=fm --fields=+ne --_xformat='%F %n %{end} %N' \
	"${with_functions[@]}" |
	awk '$3 - $2 > 80 { print $1 ":" $2 ": " $4 " has " $3 - $2 + 1 " lines" }' |
	found "functions of more than 80 lines"
# ctags does not tell where a shell function ends: its closing brace stands in the first column.
files "$SHELL_FILES" | while read -r f; do
	awk -v f="$f" '/^[a-z_]+\(\) \{/ { n = NR; name = $1 }
		/^}/ && name && NR - n > 80 { print f ":" n ": " name " has " NR - n + 1 " lines" }
		/^}/ { name = "" }' "$f"
done | found "shell functions of more than 80 lines"
