#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Print what tests could leave behind on this machine, one thing a line, for comparison.

XDP programs and links that a living process holds are left out: the processes of a test are gone
when it has ended, so these are somebody else's.
"""
import glob
import json
import os
import re
import subprocess


def held(kind):
    """Ids of programs or links in the descriptor tables of all processes."""
    ids = set()
    for path in glob.glob("/proc/[0-9]*/fdinfo/*"):
        try:
            with open(path, encoding="ascii", errors="replace") as file:
                ids |= {int(n) for n in re.findall(rf"^{kind}_id:\s*(\d+)", file.read(), re.M)}
        except OSError:
            pass
    return ids


def bpf(kind):
    try:
        out = subprocess.run(["bpftool", "-j", kind, "list"], capture_output=True, check=True)
        found = {o["id"] for o in json.loads(out.stdout) if o.get("type") == "xdp"}
    except (OSError, ValueError, subprocess.CalledProcessError):
        return []
    return sorted(f"XDP {kind} {i}" for i in found - held(kind))


def main():
    lines = [f"network namespace {os.path.basename(p)}" for p in glob.glob("/run/netns/*")]
    lines += [f"interface {name}" for name in os.listdir("/sys/class/net")]
    for path in glob.glob("/run/afx-test.*"):
        if not os.path.exists(f"/proc/{path.split('.')[1]}"):
            lines.append(f"folder {path}")
    lines += bpf("link") + bpf("prog")
    print("\n".join(sorted(lines)))


if __name__ == "__main__":
    main()
