#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Run a command in which socket(AF_XDP) fails with EAFNOSUPPORT, as on a kernel without AF_XDP.

no_af_xdp.py COMMAND...
"""
import ctypes
import errno
import os
import platform
import struct
import sys

AF_XDP = 44
SOCKET_NR = {"x86_64": 41, "aarch64": 198}
PR_SET_NO_NEW_PRIVS = 38
PR_SET_SECCOMP = 22
SECCOMP_MODE_FILTER = 2
ALLOW = 0x7FFF0000
ERRNO = 0x00050000
LOAD = 0x20      # BPF_LD | BPF_W | BPF_ABS
EQUAL = 0x15     # BPF_JMP | BPF_JEQ | BPF_K
RETURN = 0x06    # BPF_RET | BPF_K


class Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def main():
    number = SOCKET_NR.get(platform.machine())
    if number is None:
        sys.exit(f"unknown machine {platform.machine()}")
    code = [
        (LOAD, 0, 0, 0),                # number of the system call
        (EQUAL, 0, 3, number),
        (LOAD, 0, 0, 16),               # its first argument, lower half
        (EQUAL, 0, 1, AF_XDP),
        (RETURN, 0, 0, ERRNO | errno.EAFNOSUPPORT),
        (RETURN, 0, 0, ALLOW),
    ]
    text = b"".join(struct.pack("HBBI", *op) for op in code)
    prog = Program(len(code), text)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or \
            libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(prog), 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
