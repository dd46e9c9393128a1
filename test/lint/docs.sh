#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The guide builds without warnings and says of arguments, statistics, telemetry and messages what
# the sources say.
exec "$(dirname "$0")/../../doc/check.sh"
