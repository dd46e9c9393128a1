#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Print what quickstart.sh found: quickstart_report.py FOLDER.

FOLDER has the JSON answers of the generators and of the driver; any of them may be missing. Exit
status 0 when packets came through.
"""
import json
import sys


def load(name):
    try:
        with open(f"{sys.argv[1]}/{name}.json", encoding="ascii") as file:
            return json.load(file) or {}
    except (OSError, ValueError):
        return {}


def line(title, text):
    print(f"  {title:<10} {text}")


def drops(xstats):
    """Counters that stand for something lost or refused, and moved."""
    words = ("drop", "miss", "err", "full", "nombuf", "mbuf_allocation", "invalid", "empty",
             "no_", "bad", "busy", "refused")
    return {n: v for n, v in sorted(xstats.items()) if v and any(w in n for w in words)
            and not n.endswith("_ring_empty")}


def main():
    judged, flood, port = load("judged"), load("flood"), load("port")
    stats, last, lost = load("stats"), load("last"), drops(load("xstats"))
    came = last.get("ipackets", 0)
    right = came > 0
    if judged:
        came = judged["ok"]
        right = came > 0 and not judged["bad"]
        line("content", f"{judged['tx']} packets of 60 to 1514 bytes sent, {came} came back whole"
             + (f", {judged['bad']} damaged" if judged["bad"] else "")
             + (f", {judged['missing']} missing" if judged["missing"] else "")
             + (f", {judged['reordered']} out of order" if judged["reordered"] else ""))
        queues = [str(n) for n in stats.get("q_ipackets", [])]
        while queues and queues[-1] == "0":
            queues.pop()
        line("queues", "received by queue: " + (", ".join(queues) or "not told"))
    if flood:
        line("rate", f"sent {flood['tx_pps'] / 1e6:.2f} Mpps, back at the receiver "
             f"{flood['rx_pps'] / 1e6:.2f} Mpps ({flood['rx']} packets)")
    line("port", f"received {last.get('ipackets', 0)}, sent {last.get('opackets', 0)} packets")
    if port:
        line("mode", port.get("mode", json.dumps(port)))
        line("why", port.get("why_not_more") or "nothing better to be had")
    else:
        line("mode", "the driver does not tell (no /net_xsk/port in its telemetry)")
    line("drops", ", ".join(f"{n} {v}" for n, v in lost.items()) or "none")
    print("PACKETS CAME THROUGH" if right else "NO PACKETS CAME THROUGH: something is wrong")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
