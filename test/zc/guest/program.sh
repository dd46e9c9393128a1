#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# program NAME: a compiled test of the net tier, on this kernel.
case $1 in
prog) exec "$BUILD/test/net/test_prog" "$BUILD/test/bpf" ;;
prog_object) exec "$BUILD/test/net/test_prog_object" "$BUILD/test/bpf" ;;
*) echo "SKIP: no program $1"; exit 77 ;;
esac
