#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Stop forwarding and port 0 of testpmd and see whether anything is written to memory afterwards.

still.py PID ZONES IN OUT: ZONES has lines "address length" (hexadecimal), IN and OUT are testpmd's
input and output. The command is given from here, so that nothing is lost between its end and the
first look. Exit status 1 when a byte changed within a second.
"""
import sys
import time


def read_zones(memory, zones):
    parts = []
    for address, length in zones:
        memory.seek(address)
        parts.append(memory.read(length))
    return parts


def main():
    pid, zone_file, command_path, answer_path = sys.argv[1:5]
    with open(zone_file, encoding="ascii") as file:
        zones = [tuple(int(word, 16) for word in line.split()) for line in file]
    if not zones:
        sys.exit("no memory zones given")
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory, \
            open(answer_path, "rb") as answer, open(command_path, "wb", buffering=0) as command:
        while_running = read_zones(memory, zones)
        changed_before = read_zones(memory, zones) != while_running
        answer.seek(0, 2)
        # Together: while nobody receives, the fill ring runs dry and the NIC falls silent.
        command.write(b"stop\nport stop 0\n")
        text = b""
        deadline = time.monotonic() + 30
        while text.count(b"testpmd> ") < 2:
            text += answer.read()
            if time.monotonic() > deadline:
                sys.exit("port stop does not come back")
        before = read_zones(memory, zones)
        time.sleep(1)
        after = read_zones(memory, zones)
    changed = sum(x != y for a, b in zip(before, after) for x, y in zip(a, b))
    print(f"{sum(map(len, before))} bytes, {changed} changed after stop,",
          "changing" if changed_before else "not changing", "before it")
    if not changed_before:
        sys.exit("nothing was written before stop either: this shows nothing")
    sys.exit(changed != 0)


if __name__ == "__main__":
    main()
