#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Turns the JSON lines of a bench into a Markdown table on stdout, or into a document between its lines
`<!-- figures -->` and `<!-- end of figures -->`, with date and machine:

    ./dev bench NAME | bench/table.py [--into FILE]
"""
import datetime
import json
import os
import re
import sys

PLACE = re.compile(r"(<!-- figures -->\n).*?(<!-- end of figures -->)", re.S)


def figure(value, unit, limit, still_open):
    if value is None:
        return "–"
    if unit == "B/node":
        return f"{value / 1048576:.2f} MiB"
    mark = "> " if still_open else "≤ " if value <= limit else ""
    return mark + (f"{value:.3g}" if value < 1000 else f"{value:,.0f}")


def read(lines):
    """Returns the peers and the rows by case, both in the order in which they came."""
    peers, rows = [], {}
    for line in map(json.loads, lines):
        limit = line.get("limit", 0) if "better" in line else 0
        peer = f"{line.get('peer_name', line.get('limit_is', 'limit'))} {line.get('peer_version', '')}".strip()
        if peer not in peers:
            peers.append(peer)
        unit = line["unit"]
        row = rows.setdefault(line["case"], {"unit": "per node" if unit == "B/node" else unit, "peers": {}})
        row["n"] = str(line["n"])
        row["ours"] = figure(line["ours"], unit, limit, line.get("open"))
        cell = figure(line.get("peer", line.get("limit")), unit, limit, line.get("peer_open"))
        if line["ratio"] is not None:
            cell += f" ({line['ratio']:.2g})" if line["ratio"] < 100 else f" ({line['ratio']:.0f})"
        if line.get("peer_n", line["n"]) != line["n"]:
            cell += f" [{line['peer_n']}]"
        row["peers"][peer] = cell
    return peers, rows


def table(peers, rows):
    out = ["| case | unit | n | ours | " + " | ".join(peers) + " |", "|---|---|--:|--:|" + "--:|" * len(peers)]
    for case, row in rows.items():
        cells = [case, row["unit"], row["n"], row["ours"]] + [row["peers"].get(p, "–") for p in peers]
        out.append("| " + " | ".join(cells) + " |")
    return "\n".join(out) + "\n"


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        models = re.findall(r"^model name\s*: (.*)$", f.read(), re.M)
    return f"{os.cpu_count()} × {models[0] if models else os.uname().machine}, Linux {os.uname().release}"


def main(args):
    if args and (len(args) != 2 or args[0] != "--into"):
        print(__doc__, file=sys.stderr)
        return 2
    peers, rows = read(sys.stdin)
    if not rows:
        print("table.py: no lines came in", file=sys.stderr)
        return 1
    text = table(peers, rows)
    if not args:
        print(text, end="")
        return 0
    with open(args[1], encoding="utf-8") as f:
        doc = f.read()
    if not PLACE.search(doc):
        print(f"table.py: {args[1]} has no place for figures", file=sys.stderr)
        return 1
    text = f"{datetime.date.today()}, {machine()}.\n\n{text}"
    with open(args[1], "w", encoding="utf-8") as f:
        f.write(PLACE.sub(lambda m: m[1] + text + m[2], doc))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
