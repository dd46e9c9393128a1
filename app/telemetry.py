#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Ask a DPDK process through its telemetry socket: telemetry.py RUNTIME_FOLDER COMMAND.

RUNTIME_FOLDER is the folder of the process, as /var/run/dpdk/<file-prefix>. The answer is one line
of JSON on stdout. Exit status 1 when nobody answers or the command is unknown (its answer is null).
"""
import json
import os
import socket
import sys


def ask(folder, command, timeout=5.0):
    """Return the answer to one command, None when the command is unknown."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.settimeout(timeout)
        # A socket path is at most 107 bytes: go by descriptor, whatever the folder is called.
        fd = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            sock.connect(f"/proc/self/fd/{fd}/dpdk_telemetry.v2")
        finally:
            os.close(fd)
        greeting = json.loads(sock.recv(1024))
        sock.send(command.encode())
        answer = json.loads(sock.recv(greeting["max_output_len"]))
    return answer.get(command.split(",")[0], None)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        answer = ask(sys.argv[1], sys.argv[2])
    except OSError as err:
        sys.exit(f"telemetry: {sys.argv[1]}: {err}")
    print(json.dumps(answer))
    return 0 if answer is not None else 1


if __name__ == "__main__":
    sys.exit(main())
