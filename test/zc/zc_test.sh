#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# All guests, as one test of the runner.
# limit: 1800
exec "$(dirname "$0")/run.sh"
