#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Make doc/kernels.rst from what the guests of the zc tier left: table.py [BUILD_FOLDER [OUTPUT]].

Reads build/test-logs/zc-*/: release, features, tests, results and the logs of skipped tests. Run
test/zc/run.sh --extra before, so that all guests are there.
"""
import glob
import os
import re
import sys

HEAD = """.. SPDX-License-Identifier: BSD-3-Clause
.. Made by test/zc/table.py from runs of test/zc/run.sh --extra. Do not edit.

Kernels
=======

What kernels and drivers have, found by trying it in guests with emulated cards: each kernel with
the same driver, igb and virtio-net (with ``ACCESS_PLATFORM``). The driver finds it out in the same
way; it reads no version numbers. An empty field: not asked, since what it rests on is off.

"""


def words(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def version(release):
    return [int(n) for n in re.findall(r"\d+", release)[:3]]


def table(title, widths, rows):
    """A list-table of rows of strings, the first row being its head."""
    out = [title, "-" * len(title), "", ".. list-table::", "   :header-rows: 1",
           "   :widths: " + " ".join(str(w) for w in widths), ""]
    for row in rows:
        for i, cell in enumerate(row):
            out.append(("   * - " if i == 0 else "     - ") + cell)
    return "\n".join(out) + "\n\n"


def features(guests):
    """Rows of what is on and off, by kernel; and the reasons for off."""
    found, reasons, releases = {}, {}, set()
    for guest in guests:
        text = words(f"{guest['folder']}/features")
        if not text:
            continue
        releases.add(guest["release"])
        for line in text.splitlines():
            where, what, state, why = (line + "\t\t\t").split("\t")[:4]
            found.setdefault((where, what), {})[guest["release"]] = state
            if state == "off":
                why = re.sub(r"\(AF_XDP, \S+ queue 0, [^)]*\)", "(AF_XDP)", why)
                reasons.setdefault((where, what), {}).setdefault(why, []).append(guest["release"])
    order = sorted(releases, key=version)
    rows = [["where", "what"] + order]
    for (where, what), states in found.items():
        rows.append([where, what] + [states.get(r, "") for r in order])
    text = table("Features", [12, 44] + [12] * len(order), rows)
    text += "Why off, in the words of kernel and library:\n\n"
    for (where, what), whys in reasons.items():
        for why, where_off in whys.items():
            text += f"* {where}, {what}: {why} ({', '.join(sorted(where_off, key=version))})\n"
    return text + "\n"


def results(guests):
    """Rows of tests by kernel and guest."""
    rows = [["kernel", "guest", "test", "result"]]
    for guest in sorted(guests, key=lambda g: (version(g["release"]), g["name"])):
        for number, line in enumerate(words(f"{guest['folder']}/results").splitlines(), 1):
            status, _, test = line.split(" ", 2)
            said = words(f"{guest['folder']}/{number}.log")
            result = {"0": "pass", "77": "skip"}.get(status, "FAIL")
            why = re.findall(r"^(?:\d+ )?SKIP: *(.*)", said, re.M)
            if result == "skip" and why:
                result += ": " + why[-1]
            rows.append([guest["release"], guest["name"], f"``{test}``", result])
    text = table("Tests", [24, 14, 36, 26], rows)
    return text + "What each test checks: ``test/zc/README.md``.\n"


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else "build"
    output = sys.argv[2] if len(sys.argv) > 2 else "doc/kernels.rst"
    guests = []
    for folder in sorted(glob.glob(f"{build}/test-logs/zc-*/")):
        folder = folder.rstrip("/")
        release = words(f"{folder}/release").strip()
        name = os.path.basename(folder)[3:]
        if release and name != "ifaces":
            guests.append({"folder": folder, "name": name, "release": release})
    if not guests:
        sys.exit("no results of guests below " + build)
    with open(output, "w", encoding="utf-8") as file:
        file.write(HEAD + features(guests) + results(guests))
    print(f"{output}: {len(guests)} guests")


if __name__ == "__main__":
    main()
