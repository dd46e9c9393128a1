#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""NAPIs of an interface and their parameters, a line each:
id defer-hard-irqs gro-flush-timeout irq-suspend-timeout ("-" where the kernel has none).
Asks the kernel by netlink itself and shares nothing with the driver."""
import socket
import struct
import sys

GENL_ID_CTRL, CTRL_CMD_GETFAMILY = 16, 3
NAPI_GET = 11
REQUEST, ACK, DUMP = 1, 4, 0x300


def attr(kind, data):
    length = 4 + len(data)
    return struct.pack("=HH", length, kind) + data + b"\0" * (-length % 4)


def attrs(data):
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            break
        found[kind & 0x3fff] = data[4:length]
        data = data[(length + 3) & ~3:]
    return found


def ask(sock, family, cmd, payload, flags):
    body = struct.pack("=BBH", cmd, 1, 0) + payload
    sock.send(struct.pack("=IHHII", 16 + len(body), family, REQUEST | flags, 1, 0) + body)
    answers = []
    while True:
        data = sock.recv(65536)
        while data:
            length, kind = struct.unpack_from("=IH", data)
            if kind == 2:
                error = struct.unpack_from("=i", data, 16)[0]
                if error:
                    raise OSError(-error, "netlink")
                return answers
            if kind == 3:
                return answers
            answers.append(attrs(data[20:length]))
            data = data[(length + 3) & ~3:]


def number(found, kind):
    return str(int.from_bytes(found[kind], sys.byteorder)) if kind in found else "-"


def main():
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
    sock.settimeout(10)
    sock.bind((0, 0))
    try:
        ctrl = ask(sock, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, attr(2, b"netdev\0"), ACK)
        family = struct.unpack("=H", ctrl[0][1])[0]
        index = struct.pack("=I", socket.if_nametoindex(sys.argv[1]))
        found = ask(sock, family, NAPI_GET, attr(1, index), DUMP)
    except OSError as error:
        sys.exit(f"{sys.argv[1]}: {error}")
    for napi in found:
        print(*(number(napi, kind) for kind in (2, 5, 6, 7)))


main()
