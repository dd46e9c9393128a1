#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""List the tests of a meson build folder for run.sh.

One test a line: suite, name, time limit, 1 when it may run beside others, shell command; the
fields separated by tabs.
"""
import json
import shlex
import subprocess
import sys

build = sys.argv[1]
try:
    tests = json.loads(subprocess.check_output(["meson", "introspect", "--tests", build]))
except (OSError, subprocess.CalledProcessError) as error:
    sys.exit(f"meson_tests.py: {error}")
for test in sorted(tests, key=lambda t: (t["suite"], t["name"])):
    suite = (test["suite"] or ["unit"])[0].split(":")[-1]
    command = ["env", *(f"{k}={v}" for k, v in test["env"].items()), *test["cmd"]]
    command = " ".join(shlex.quote(word) for word in command)
    if test.get("workdir"):
        command = f"cd {shlex.quote(test['workdir'])} && {command}"
    print(suite, test["name"].replace(" ", "_"), test["timeout"],
          int(test["is_parallel"]), command, sep="\t")
