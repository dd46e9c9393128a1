#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write apt sources of our own for the archives this machine installs binary packages from.

deb_src.py OUTPUT_FOLDER [URI...]: read /etc/apt/sources.list and sources.list.d (one-line and
deb822 formats) and write the same archives as deb-src entries into OUTPUT_FOLDER, for use as apt's
Dir::Etc::SourceParts. With URIs only the entries of these. Prints how many entries were written.

deb_src.py --suites HERE WANTED[,WANTED...] OUTPUT_FOLDER: the archive that carries the suite HERE
as deb entries for other suites, for instance a newer release's.

Nothing below /etc is changed.
"""
import glob
import os
import re
import sys


def stanzas(text):
    """The stanzas of a deb822 file as lists of (field, lines), without comments."""
    for block in re.split(r"\n[ \t]*\n", text):
        fields = []
        for line in block.splitlines():
            if line.startswith("#") or not line.strip():
                continue
            if line[0] in " \t" and fields:
                fields[-1][1].append(line)
            elif ":" in line:
                fields.append((line.split(":")[0].lower(), [line]))
        if fields:
            yield fields


def value(fields, name):
    """All words of a field."""
    lines = [line for field, group in fields if field == name for line in group]
    return re.sub(r"^[^:]*:", "", " ".join(lines)).split()


def wanted(uris, only):
    if all(uri.startswith("cdrom:") for uri in uris):
        return False
    return not only or any(uri.rstrip("/") in only for uri in uris)


def from_deb822(text, only):
    for fields in stanzas(text):
        types = value(fields, "types")
        if "deb" not in types or value(fields, "enabled") == ["no"]:
            continue
        if not wanted(value(fields, "uris"), only):
            continue
        lines = ["Types: deb-src"]
        for name, group in fields:
            if name not in ("types", "architectures", "enabled"):
                lines += group
        yield "\n".join(lines) + "\n"


def from_list(text, only):
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(\[[^\]]*\]\s*)?(\S+)\s+([^#]+)", line)
        if not match or not wanted([match[2]], only):
            continue
        options = [o for o in (match[1] or "").strip(" []\t").split() if not o.startswith("arch")]
        options = f"[{' '.join(options)}] " if options else ""
        yield f"deb-src {options}{match[2]} {match[3].strip()}\n"


def other_suites_deb822(text, here, suites):
    for fields in stanzas(text):
        if "deb" not in value(fields, "types") or value(fields, "enabled") == ["no"]:
            continue
        if here not in value(fields, "suites"):
            continue
        lines = ["Types: deb", f"Suites: {' '.join(suites)}"]
        for name, group in fields:
            if name not in ("types", "suites", "enabled"):
                lines += group
        yield "\n".join(lines) + "\n"


def other_suites_list(text, here, suites):
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+([^#]+)", line)
        if match and match[3] == here:
            for suite in suites:
                yield f"deb {match[1] or ''}{match[2]} {suite} {match[4].strip()}\n"


def readers(args):
    """Output folder, and how to read the two formats, from the command line."""
    if args[:1] == ["--suites"] and len(args) == 4:
        here, suites, out = args[1], args[2].split(","), args[3]
        return (out, lambda text: other_suites_list(text, here, suites),
                lambda text: other_suites_deb822(text, here, suites))
    if not args or args[0].startswith("-"):
        sys.exit(__doc__)
    only = {uri.rstrip("/") for uri in args[1:]}
    return (args[0], lambda text: from_list(text, only), lambda text: from_deb822(text, only))


def main():
    out, read_list, read_deb822 = readers(sys.argv[1:])
    root = os.environ.get("APT_ETC", "/etc/apt")
    entries = {"sources": [], "list": []}
    for path in [f"{root}/sources.list", *sorted(glob.glob(f"{root}/sources.list.d/*"))]:
        kind = path.rsplit(".", 1)[-1]
        if kind not in entries or not os.path.isfile(path):
            continue
        with open(path, encoding="utf-8", errors="replace") as file:
            read = read_list if kind == "list" else read_deb822
            entries[kind] += read(file.read())
    for kind, texts in entries.items():
        if texts:
            with open(f"{out}/src.{kind}", "w", encoding="utf-8") as file:
                file.write("\n".join(dict.fromkeys(texts)))
    print(sum(len(texts) for texts in entries.values()))


if __name__ == "__main__":
    main()
