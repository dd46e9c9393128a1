# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Ground of the lint tests: the files of the project, and finds counted into the exit status.
set -u -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
lint_found=0

# files REGEX: names of the project's own files that match, one a line; of git where there is one.
files() {
	{
		git ls-files --cached --others --exclude-standard 2>/dev/null ||
			find . \( -path ./.git -o -path './build*' -o -path ./.cache \) -prune \
				-o -type f -print | sed 's,^\./,,'
	} | grep -E "$1" | while read -r f; do
		[ ! -f "$f" ] || echo "$f"
	done
}

C_FILES='\.[ch]$'
SHELL_FILES='\.sh$|^\.ci/run$'
# shellcheck disable=SC2034 # used by the lints
ALL_FILES="$C_FILES|$SHELL_FILES|\.py\$|(^|/)meson(\.build|_options\.txt)\$"

# found RULE: what comes on stdin, one find a line, breaks the rule; nothing is well.
found() {
	local lines
	lines=$(cat)
	[ -n "$lines" ] || return 0
	lint_found=1
	echo "not ok - $1:"
	printf '%s\n' "$lines" | sed 's/^/    /'
}

need() {
	command -v "$1" >/dev/null || {
		echo "SKIP: $1 is not installed"
		exit 77
	}
}

# universal_ctags: ctags with the end of functions.
universal_ctags() {
	need ctags
	ctags --version | grep -q Universal || {
		echo "SKIP: ctags is not Universal Ctags"
		exit 77
	}
}

# The end of a pipe is this shell, so that found can count.
shopt -s lastpipe
trap '[ $? != 77 ] || exit 77; exit $lint_found' EXIT
