#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Whether the guide is true of the sources: device arguments, extended statistics, telemetry keys,
# quoted messages; and whether Sphinx builds it without a warning. Exit status 77 without Sphinx.
set -u -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
command -v python3 >/dev/null || {
	echo "SKIP: python3 is not installed"
	exit 77
}

python3 - <<-'END_OF_CHECK' || exit 1
	import glob, re, sys

	def read(path):
	    with open(path, encoding="utf-8") as file:
	        return file.read()

	XSK = "drivers/net/xsk/"
	wrong = 0

	def same(what, in_code, in_doc):
	    global wrong
	    if len(in_code) < 3:
	        print(f"not ok - {what}: sources not understood any more, mend doc/check.sh")
	        wrong += 1
	    for name in sorted(in_code - in_doc):
	        print(f"not ok - {what}: {name} is in the sources, not in the guide")
	        wrong += 1
	    for name in sorted(in_doc - in_code):
	        print(f"not ok - {what}: {name} is in the guide, not in the sources")
	        wrong += 1

	# First columns of tables: "* - ``name``" or several with commas between them.
	def first_columns(text):
	    rows = re.findall(r"^ +\* - (``.*``)$", text, re.M)
	    return {n for row in rows for n in re.findall(r"``(\S+)``", row)}

	args = read(XSK + "xsk_args.c")
	keys = set(re.findall(r'\[KEY_\w+\] = "(\w+)"', args))
	same("device argument", keys, first_columns(read("doc/devargs.rst")))
	param = re.search(r"#define XSK_PARAM_STRING((?:.*\\\n)+.*)", read(XSK + "xsk.h")).group(1)
	same("device argument (XSK_PARAM_STRING for the guide)", keys,
	     set(re.findall(r"(\w+)=", param)))
	cap = re.search(r"UMEM_CAP_DEFAULT_MIB (\d+)", args).group(1)
	if not re.search(r"``umem_cap``\n +- .*\n +- " + cap + r"\n", read("doc/devargs.rst")):
	    print(f"not ok - device argument: the default of umem_cap is {cap} in the sources")
	    wrong += 1

	stats = read(XSK + "xsk_stats.c")
	names = {f"{d.lower()}_qN_{n}" for d, n in re.findall(r"\b([RT]X)\((\w+)\)", stats)}
	names -= {"rx_qN_f", "tx_qN_f"}
	for d in ("rx", "tx"):
	    block = re.search(d + r"_kernel\[\] = \{(.*?)\};", stats, re.S).group(1)
	    names |= {f"{d}_qN_{n}" for n in re.findall(r'\{ "(\w+)"', block)}
	names |= set(re.findall(r'put\(w, "", -1, "(\w+)"', stats))
	same("extended statistic", names,
	     first_columns(read("doc/statistics.rst").split("Extended statistics\n---")[1]))

	tel = set(re.findall(r'(?:add_dict_\w+|xsk_tel_text|xsk_tel_uint)\(d, "(\w+)"',
	                     read(XSK + "xsk_telemetry.c") + read(XSK + "xsk_tune_tel.c")))
	same("telemetry key", tel, first_columns(read("doc/telemetry.rst")))

	opts = re.findall(r'^\t\{ "([a-z-]+)",', read("app/bench/opts.c"), re.M)
	same("benchmark option", {"--" + n for n in opts}, first_columns(read("doc/bench.rst")))

	# Adjacent string constants joined: a message is found however its source is wrapped.
	code = "".join(read(f) for f in glob.glob("lib/*.[ch]") + glob.glob(XSK + "*.[ch]"))
	code = re.sub(r'"\s*AFX_XDP_MAP_NAME\s*"', "xsks_map", code)
	code = code.replace("AFX_XDP_MAP_NAME", '"xsks_map"')
	code = re.sub(r'"\s*"', "", code).replace('\\"', '"')
	quoted = re.findall(r":msg:`(.+?)`", read("doc/troubleshooting.rst"))
	for text in quoted:
	    for part in text.split("..."):
	        if part not in code:
	            print(f"not ok - message: '{part}' is in no source")
	            wrong += 1
	print(f"{len(keys)} device arguments, {len(names)} statistics, {len(tel)} telemetry keys, "
	      f"{len(quoted)} messages: {wrong} wrong")
	sys.exit(wrong != 0)
END_OF_CHECK

command -v sphinx-build >/dev/null || {
	echo "SKIP: sphinx-build is not installed (python3-sphinx)"
	exit 77
}
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
sphinx-build -q -E -W --keep-going -b html -d "$out/trees" doc "$out/html" || {
	echo "not ok - Sphinx does not build the guide without warnings"
	exit 1
}
