#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Shell scripts are clean under shellcheck, Python ones compile.
# limit: 400
# shellcheck source=test/lib/lint.sh
. "$(dirname "$0")/../lib/lint.sh"
need shellcheck

mapfile -t shell < <(files "$SHELL_FILES")
mapfile -t python < <(files '\.py$')
printf '%s\0' "${shell[@]}" | xargs -0 -n 8 -P "$(nproc)" shellcheck -x -P . -f gcc |
	found "shellcheck"
for f in "${python[@]}"; do
	python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' "$f" 2>&1 |
		tail -n 1
done | found "Python that does not parse"
