#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Turn the JSON of dpdk-xsk-bench into one HTML page with plots that needs nothing else.

usage: dpdk-xsk-bench-report RESULT.json|- PAGE.html
"""
import html
import json
import math
import shlex
import sys

COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9", "#7f3fbf", "#6b6b6b",
           "#a40000", "#1a7a7a", "#b8860b", "#444488", "#c2587b", "#3f7f3f", "#996633", "#222222"]

STYLE = """
:root { --ink: #1c2733; --soft: #5a6773; --line: #d7dde3; --back: #ffffff; --panel: #f6f8fa; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e9ee; --soft: #9aa7b4; --line: #3a4651; --back: #14191f; --panel: #1c232b; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1080px; padding: 28px 24px 60px; background: var(--back);
  color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 26px; margin: 0 0 2px; } h2 { font-size: 19px; margin: 36px 0 8px; }
h3 { font-size: 15px; margin: 20px 0 4px; font-weight: 600; }
p { margin: 6px 0; } .soft { color: var(--soft); }
table { border-collapse: collapse; width: 100%; margin: 8px 0; font-size: 13.5px; }
th { text-align: right; font-weight: 600; color: var(--soft); border-bottom: 2px solid var(--line);
  padding: 4px 8px; vertical-align: bottom; }
td { text-align: right; padding: 4px 8px; border-bottom: 1px solid var(--line);
  font-variant-numeric: tabular-nums; white-space: nowrap; vertical-align: top; }
th.l, td.l { text-align: left; } td.w { white-space: normal; text-align: left; }
td.best { font-weight: 700; } td.bad { color: #c0392b; white-space: normal; text-align: left; }
code, pre { font: 13px/1.45 "DejaVu Sans Mono", ui-monospace, monospace; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: 6px;
  padding: 10px 12px;
  white-space: pre-wrap; overflow-wrap: anywhere; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 440px), 1fr));
  gap: 18px 24px; }
figure { margin: 0; }
figcaption { font-weight: 600; font-size: 14px; margin: 4px 0; }
svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--ink); font: 12px system-ui, "DejaVu Sans", sans-serif; }
svg text.soft { fill: var(--soft); } svg .grid { stroke: var(--line); stroke-width: 1; }
svg .axis { stroke: var(--soft); stroke-width: 1; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 8px 0 4px; font-size: 13.5px; }
.legend i { display: inline-block; width: 14px; height: 4px; border-radius: 2px;
  margin-right: 6px; vertical-align: middle; }
details { margin: 8px 0; } summary { cursor: pointer; color: var(--soft); }
"""


def esc(text):
    return html.escape(str(text))


class Scale:
    """From values to places on the page, linear or logarithmic, with ticks that read well."""

    def __init__(self, low, high, start, end, log=False):
        self.log = log
        if log:
            low = max(low, 1e-12)
            high = max(high, low * 1.0001)
        elif high <= low:
            high = low + 1
        self.low, self.high, self.start, self.end = low, high, start, end

    def at(self, v):
        if self.log:
            part = math.log(max(v, self.low) / self.low) / math.log(self.high / self.low)
        else:
            part = (v - self.low) / (self.high - self.low)
        return self.start + part * (self.end - self.start)

    def ticks(self, want=5):
        if self.log:
            first = math.floor(math.log10(self.low) + 1e-9)
            last = math.ceil(math.log10(self.high) - 1e-9)
            muls = (1, 2, 5) if last - first <= 2 else (1,)
            every = max(1, math.ceil((last - first) / 7))
            values = [m * 10.0 ** e for e in range(first, last + 1, every) for m in muls]
            return [v for v in values if self.low * 0.999 <= v <= self.high * 1.001]
        raw = (self.high - self.low) / want
        step = 10.0 ** math.floor(math.log10(raw))
        step *= next(m for m in (1, 2, 2.5, 5, 10) if step * m >= raw * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [i * step for i in range(first, int(self.high / step + 1e-9) + 1)]


def short(v):
    if v == 0:
        return "0"
    if abs(v) >= 1000 and v == int(v):
        return f"{int(v):,}".replace(",", "\u2009")
    return f"{v:.3g}" if abs(v) >= 0.001 else f"{v:.0e}".replace("e-0", "e-")


class Page:
    def __init__(self, data):
        self.data = data
        self.latency = data["mode"] == "latency"
        self.names = []
        for point in data["points"]:
            for cand in point["candidates"]:
                if cand["name"] not in self.names:
                    self.names.append(cand["name"])

    def colour(self, name):
        return COLOURS[self.names.index(name) % len(COLOURS)]

    def spread(self, cand):
        """Median, lowest, highest in the unit of the plots: Mpps, or us of round trip."""
        s, unit = (cand["ns_p50"], 1e3) if self.latency else (cand["pps"], 1e6)
        return tuple(s[k] / unit for k in ("median", "min", "max")) if s["n"] else None

    def unit(self):
        return "median round trip, \u00b5s" if self.latency else "million packets a second"

    def legend(self):
        items = (f'<span><i style="background:{self.colour(n)}"></i>{esc(n)}</span>'
                 for n in self.names)
        return f'<div class="legend">{"".join(items)}</div>'


def axes(x, y, left, right, top, bottom, x_ticks, x_label, y_label):
    """Grid, ticks and names of both axes; x_ticks: pairs of value and text."""
    out = []
    for v in y.ticks():
        out.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{y.at(v):.1f}" '
                   f'y2="{y.at(v):.1f}"/><text class="soft" x="{left - 6}" y="{y.at(v) + 4:.1f}" '
                   f'text-anchor="end">{short(v)}</text>')
    for v, text in x_ticks:
        out.append(f'<line class="axis" x1="{x.at(v):.1f}" x2="{x.at(v):.1f}" y1="{bottom}" '
                   f'y2="{bottom + 4}"/><text class="soft" x="{x.at(v):.1f}" y="{bottom + 18}" '
                   f'text-anchor="middle">{esc(text)}</text>')
    out.append(f'<line class="axis" x1="{left}" x2="{right}" y1="{bottom}" y2="{bottom}"/>')
    out.append(f'<text class="soft" x="{(left + right) / 2}" y="{bottom + 36}" '
               f'text-anchor="middle">{esc(x_label)}</text>')
    out.append(f'<text class="soft" x="{left - 34}" y="{top - 10}">{esc(y_label)}</text>')
    return "".join(out)


def bars(page, point):
    """One bar a candidate: median, the line from lowest to highest, a dot a round."""
    rows = [c for c in point["candidates"] if page.spread(c)]
    left, right, height = 230, 790, 30
    top, bottom = 10, 10 + height * len(rows)
    x = Scale(0, max(page.spread(c)[2] for c in rows) * 1.02, left, right)
    out = [f'<svg viewBox="0 0 900 {bottom + 44}" role="img">']
    for v in x.ticks(6):
        out.append(f'<line class="grid" x1="{x.at(v):.1f}" x2="{x.at(v):.1f}" y1="{top}" '
                   f'y2="{bottom}"/><text class="soft" x="{x.at(v):.1f}" y="{bottom + 17}" '
                   f'text-anchor="middle">{short(v)}</text>')
    out.append(f'<text class="soft" x="{(left + right) / 2}" y="{bottom + 36}" '
               f'text-anchor="middle">{page.unit()}</text>')
    for i, cand in enumerate(rows):
        mid, low, high = page.spread(cand)
        y, colour = top + height * i + height / 2, page.colour(cand["name"])
        ratio = cand["ratio_to_first"]
        out.append(f'<text x="{left - 10}" y="{y + 4}" text-anchor="end">{esc(cand["name"])}'
                   f'</text><rect x="{left}" y="{y - 9}" width="{x.at(mid) - left:.1f}" '
                   f'height="18" rx="2" fill="{colour}" fill-opacity="0.78"/>'
                   f'<line x1="{x.at(low):.1f}" x2="{x.at(high):.1f}" y1="{y}" y2="{y}" '
                   f'stroke="var(--ink)" stroke-width="1.4"/>')
        for r in cand["rounds"]:
            v = r.get("ns_p50", 0) / 1e3 if page.latency else r["pps"] / 1e6
            if r["pps"]:
                out.append(f'<circle cx="{x.at(v):.1f}" cy="{y}" r="2.4" fill="var(--back)" '
                           f'stroke="var(--ink)"/>')
        text = f'{mid:.3f}' if mid < 100 else f'{mid:.1f}'
        if ratio["n"]:
            text += f' \u00b7 {ratio["median"]:.2f}\u00d7'
        out.append(f'<text x="{right + 8}" y="{y + 4}">{text}</text>')
    out.append("</svg>")
    return "".join(out)


def lines(page, series, x_label, ticks=None, log=False):
    """Lines over a swept value; series: name -> [(x, (median, low, high))]."""
    xs = sorted({x for points in series.values() for x, _ in points})
    left, right, top, bottom = 52, 540, 28, 262
    x = Scale(xs[0], xs[-1], left + 16, right - 16, log=log)
    y = Scale(0, max(s[2] for points in series.values() for _, s in points) * 1.06, bottom, top)
    ticks = ticks or [(v, short(v)) for v in xs]
    out = ['<svg viewBox="0 0 560 310" role="img">',
           axes(x, y, left, right, top, bottom, ticks, x_label, page.unit())]
    for i, (name, points) in enumerate(series.items()):
        colour, aside = page.colour(name), 3 * (i - (len(series) - 1) / 2)
        path = " ".join(f"{x.at(v) + aside:.1f},{y.at(s[0]):.1f}" for v, s in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" '
                   f'stroke-width="2"/>')
        for v, (mid, low, high) in points:
            at = f"{x.at(v) + aside:.1f}"
            out.append(f'<line x1="{at}" x2="{at}" y1="{y.at(low):.1f}" '
                       f'y2="{y.at(high):.1f}" stroke="{colour}" stroke-width="1.2"/>'
                       f'<circle cx="{at}" cy="{y.at(mid):.1f}" r="3.4" '
                       f'fill="{colour}"><title>{esc(name)}: {mid:.3f} ({low:.3f} to '
                       f'{high:.3f})</title></circle>')
    out.append("</svg>")
    return "".join(out)


SWEEPS = (("size", "frame size", "frame length in bytes, without FCS"),
          ("queues", "queue count", "queues"), ("burst", "burst", "packets a burst"))


def mean_length(size):
    return (7 * 60 + 4 * 590 + 1514) / 12 if size == "imix" else float(size)


def place_of(key, value):
    return mean_length(value) if key == "size" else value


def sweep_plots(page):
    """A plot for every dimension that was swept, one for each combination of the others."""
    points, out = page.data["points"], []
    for key, title, label in SWEEPS:
        if len({p[key] for p in points}) < 2:
            continue
        rest = [k for k, _, _ in SWEEPS if k != key]
        figures = []
        for combo in dict.fromkeys(tuple(p[k] for k in rest) for p in points):
            series, ticks = {}, {}
            for p in points:
                if tuple(p[k] for k in rest) != combo:
                    continue
                ticks[place_of(key, p[key])] = str(p[key])
                for c in p["candidates"]:
                    if page.spread(c):
                        series.setdefault(c["name"], []).append(
                            (place_of(key, p[key]), page.spread(c)))
            if not series:
                continue
            for line in series.values():
                line.sort()
            what = ", ".join(words(k, v) for k, v in zip(rest, combo))
            figures.append(f"<figure><figcaption>{esc(what)}</figcaption>" + lines(
                page, series, label, sorted(ticks.items()), log=key == "burst") + "</figure>")
        out.append(f"<h2>By {title}</h2>{page.legend()}"
                   f'<div class="plots">{"".join(figures)}</div>')
    return "".join(out)


def words(key, value):
    if key == "size":
        return "imix" if value == "imix" else f"{value} B"
    if key == "queues":
        return f"{value} queue" + ("" if value == 1 else "s")
    return f"burst {value}"


def title_of(point):
    return ", ".join(words(k, point[k]) for k, _, _ in SWEEPS)


def distribution(page, point):
    """How many packets were slower than a time, both axes logarithmic."""
    cands = [c for c in point["candidates"] if c.get("histogram_ns")]
    if not cands:
        return ""
    left, right, top, bottom = 62, 540, 28, 262
    every = [v for c in cands for v, _ in c["histogram_ns"]]
    most = max(sum(n for _, n in c["histogram_ns"]) for c in cands)
    x = Scale(max(min(every), 1) / 1e3, max(every) / 1e3, left, right, log=True)
    y = Scale(max(100 / most, 1e-6), 100, bottom, top, log=True)
    out = ['<svg viewBox="0 0 560 310" role="img">',
           axes(x, y, left, right, top, bottom, [(v, short(v)) for v in x.ticks()],
                "round trip, \u00b5s", "% of packets slower")]
    for c in cands:
        total = left_over = sum(n for _, n in c["histogram_ns"])
        path = [(x.at(c["histogram_ns"][0][0] / 1e3), y.at(100))]
        for v, n in c["histogram_ns"]:
            path.append((x.at(v / 1e3), y.at(100 * left_over / total)))
            left_over -= n
        out.append(f'<polyline points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in path)}" '
                   f'fill="none" stroke="{page.colour(c["name"])}" stroke-width="1.8">'
                   f'<title>{esc(c["name"])}</title></polyline>')
    return "".join(out) + "</svg>"


def density(page, point):
    """Where the bulk of the packets lies: share of packets by time, up to the 99.5th percentile."""
    cands = [c for c in point["candidates"] if c.get("histogram_ns")]
    series, top_share, low, high = {}, 0, float("inf"), 0
    for c in cands:
        total, seen, line = sum(n for _, n in c["histogram_ns"]), 0, []
        buckets = {}
        for v, n in c["histogram_ns"]:
            seen += n
            if seen > 0.995 * total:
                break
            step = 2.0 ** (math.floor(math.log2(max(v, 1)) * 24) / 24)
            buckets[step] = buckets.get(step, 0) + n
        for v, n in sorted(buckets.items()):
            line.append((v / 1e3, 100 * n / total))
        if line:
            series[c["name"]] = line
            top_share = max(top_share, max(s for _, s in line))
            low, high = min(low, line[0][0]), max(high, line[-1][0])
    if not series:
        return ""
    left, right, top, bottom = 62, 540, 28, 262
    x = Scale(low / 1.05, high * 1.05, left, right, log=True)
    y = Scale(0, top_share * 1.06, bottom, top)
    out = ['<svg viewBox="0 0 560 310" role="img">',
           axes(x, y, left, right, top, bottom, [(v, short(v)) for v in x.ticks()],
                "round trip, \u00b5s", "% of packets, by 3 % of time")]
    for name, line in series.items():
        path = " ".join(f"{x.at(v):.1f},{y.at(s):.1f}" for v, s in line)
        out.append(f'<polyline points="{path}" fill="none" stroke="{page.colour(name)}" '
                   f'stroke-width="1.8"><title>{esc(name)}</title></polyline>')
    return "".join(out) + "</svg>"


def point_plots(page):
    points, out = page.data["points"], []
    if len(points) == 1 and any(page.spread(c) for c in points[0]["candidates"]):
        out.append(f"<h2>{esc(title_of(points[0]))}</h2>{bars(page, points[0])}"
                   '<p class="soft">Bars: medians. Dots: single rounds. \u00d7: median of the '
                   "ratios to the first candidate, round by round.</p>")
    if page.latency:
        for p in points:
            out.append(f"<h2>Latency distribution, {esc(title_of(p))}</h2>{page.legend()}"
                       f'<div class="plots"><figure>{density(page, p)}</figure>'
                       f"<figure>{distribution(page, p)}</figure></div>")
    return "".join(out)


def median(values):
    v = sorted(values)
    if not v:
        return None
    return v[len(v) // 2] if len(v) % 2 else (v[len(v) // 2 - 1] + v[len(v) // 2]) / 2


def of_rounds(cand, key, scale=1.0, digits=3):
    v = median([r[key] / scale for r in cand["rounds"] if r["pps"] and key in r])
    return "" if v is None else f"{v:.{digits}f}"


def quantile(cand, share):
    total, seen = sum(n for _, n in cand["histogram_ns"]), 0
    for v, n in cand["histogram_ns"]:
        seen += n
        if seen >= share * total:
            return f"{v / 1e3:.2f}"
    return ""


def row(page, point, cand, best):
    cells = [f'<td class="l"><i style="color:{page.colour(cand["name"])}">\u25a0</i> '
             f'{esc(cand["name"])}</td>']
    s = page.spread(cand)
    if not s:
        return f'<tr>{cells[0]}<td class="bad" colspan="8">{esc(cand.get("error", ""))}</td></tr>'
    mark = ' class="best"' if s[0] == best else ""
    cells.append(f"<td{mark}>{s[0]:.3f}</td><td>{s[1]:.3f} \u2013 {s[2]:.3f}</td>")
    ratio = cand["ratio_to_first"]
    cells.append(f'<td>{ratio["median"]:.2f}</td><td>{ratio["min"]:.2f} \u2013 '
                 f'{ratio["max"]:.2f}</td>' if ratio["n"] else "<td></td><td></td>")
    if page.latency:
        cells += [f"<td>{quantile(cand, q)}</td>" for q in (0.9, 0.99, 0.999)]
        cells.append(f'<td>{sum(r.get("lost", 0) for r in cand["rounds"])}</td>')
    else:
        cells.append(f"<td>{of_rounds(cand, 'bps', 1e9)}</td>")
        sent = "accepted_pps" if page.data["mode"] == "tx" else "offered_pps"
        cells.append(f"<td>{of_rounds(cand, sent, 1e6)}</td>")
        cells.append(f"<td>{of_rounds(cand, 'lost_pct', digits=1)}</td>")
        cells.append(f"<td>{of_rounds(cand, 'empty_polls_pct', digits=1)}</td>")
    return f"<tr>{''.join(cells)}</tr>"


def tables(page):
    head = ["candidate", "\u00b5s, median" if page.latency else "Mpps, median",
            "lowest \u2013 highest", "ratio to first", "lowest \u2013 highest"]
    sent = "accepted" if page.data["mode"] == "tx" else "offered"
    head += ["p90 \u00b5s", "p99 \u00b5s", "p99.9 \u00b5s", "lost"] if page.latency else [
        "Gbit/s", f"{sent} Mpps", "lost %", "empty polls %"]
    names = "".join(f'<th{" class=l" if i == 0 else ""}>{h}</th>' for i, h in enumerate(head))
    out = ["<h2>All results</h2>"]
    for point in page.data["points"]:
        mids = [page.spread(c)[0] for c in point["candidates"] if page.spread(c)]
        best = (min if page.latency else max)(mids, default=None)
        rounds = max(len(c["rounds"]) for c in point["candidates"])
        out.append(f"<h3>{esc(title_of(point))} <span class=soft>\u00b7 {rounds} round(s), "
                   f'generator {esc(point["generator"])}</span></h3><table><tr>{names}</tr>')
        out += [row(page, point, c, best) for c in point["candidates"]]
        out.append("</table>")
    return "".join(out)


def got(page):
    """What each candidate got, at the first point."""
    rows = []
    for c in page.data["points"][0]["candidates"]:
        g = c["got"]
        rows.append(f'<tr><td class="l">{esc(c["name"])}</td><td class="w">'
                    f'{esc(g["rx_mode"] or g["xdp"] or "-")}</td>'
                    f'<td>{g["rx_descriptors"] or "-"} / {g["tx_descriptors"] or "-"}</td>'
                    f'<td>{g["mbufs"] or "-"}</td><td>{"yes" if g["fast_free"] else "no"}</td>'
                    f'<td>{esc(g["napi_threaded"] or "-")} / '
                    f'{esc(g["napi_defer_hard_irqs"] or "-")} / '
                    f'{esc(g["gro_flush_timeout"] or "-")}</td></tr>')
    return ('<h2>What was got</h2><table><tr><th class="l">candidate</th><th class="l">mode, '
            "in the driver's words</th><th>Rx / Tx descriptors</th><th>mbufs</th><th>fast free</th>"
            "<th>NAPI: threaded / defer_hard_irqs / gro_flush_timeout</th></tr>"
            f'{"".join(rows)}</table>')


def machine(page):
    d, h, s = page.data, page.data["host"], page.data["setup"]
    far = s.get("far", {})
    facts = [("kernel", f'{h["kernel"]} {h["arch"]}'), ("DPDK", h["dpdk"]), ("libbpf", h["libbpf"]),
             ("CPU", f'{h["cpu"]}, {h["cpus"]} online'), ("hypervisor", h["hypervisor"] or "none"),
             ("isolated CPUs", h["isolated_cpus"] or "none"), ("governor", h["governor"] or "none"),
             ("busy_poll / busy_read (sysctl)",
              f'{h["sysctl_busy_poll"]} / {h["sysctl_busy_read"]}'),
             ("interfaces", f'{s["kind"]}: {s["near"]["name"]} ({s["near"]["driver"]})' + (
                 f' to {far["name"]} ({far["driver"]})' if far else "")),
             ("candidate on CPU", ", ".join(map(str, s["candidate_cpus"]))),
             ("generator on CPU", s["generator_cpu"]), ("nice value", s["nice"])]
    if "rps_cpu" in s:
        facts.append(("receive packet steering to CPU", s["rps_cpu"]))
    if "napi_thread_cpu" in s:
        facts.append(("threaded NAPI on CPU", s["napi_thread_cpu"]))
    rows = "".join(f'<tr><td class="l">{esc(k)}</td><td class="w">{esc(v)}</td></tr>'
                   for k, v in facts)
    miti = "".join(f'<tr><td class="l">{esc(k)}</td><td class="w">{esc(v)}</td></tr>'
                   for k, v in h["mitigations"].items())
    return (f"<h2>Machine and set-up</h2><table>{rows}</table>"
            f"<details><summary>CPU vulnerabilities and mitigations</summary><table>{miti}</table>"
            f'</details><h2>Command</h2><pre>dpdk-xsk-bench {esc(shlex.join(d["command"]))}</pre>'
            f'<p class="soft">Started {esc(d["started"])}. Every rate is of packets that the '
            "receiver counted.</p>")


def render(data):
    page = Page(data)
    s, h = data["setup"], data["host"]
    lead = (f'{h["kernel"]}, {h["dpdk"]}, {h["cpu"]}; {s["near"]["driver"]}; '
            f'{s["rounds_wanted"]} round(s) of {s["duration_s"]:g} s, candidates in turn')
    body = "<p>Nothing was measured.</p>"
    if data["points"]:
        body = point_plots(page) + sweep_plots(page) + tables(page) + got(page)
    title = f'dpdk-xsk-bench: {data["mode"]}'
    return (f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
            f'<title>{esc(title)}</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<style>{STYLE}</style></head><body><h1>{esc(title)}</h1>"
            f'<p class="soft">{esc(lead)}</p>{body}{machine(page)}</body></html>\n')


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    with (sys.stdin if sys.argv[1] == "-" else open(sys.argv[1], encoding="utf-8")) as file:
        data = json.load(file)
    if data.get("tool") != "dpdk-xsk-bench" or data.get("format") != 1:
        sys.exit(f"{sys.argv[1]}: not a result of dpdk-xsk-bench, format 1")
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write(render(data))


if __name__ == "__main__":
    main()
