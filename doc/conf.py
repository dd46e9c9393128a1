# SPDX-License-Identifier: BSD-3-Clause
# Sphinx configuration of the guide: sphinx-build -W -b html doc build/doc
import pathlib
import re

_root = pathlib.Path(__file__).resolve().parent.parent
_meson = (_root / "meson.build").read_text(encoding="utf-8")

project = "net_xsk"
author = "the net_xsk authors"
release = version = re.search(r"version: '([^']+)'", _meson).group(1)
extensions = []
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_copy_source = False
html_theme_options = {
    "description": "DPDK poll-mode driver on Linux AF_XDP",
    "page_width": "1100px",
}
smartquotes = False
