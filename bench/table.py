#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Turns the JSON lines of a bench into Markdown tables: ./dev bench NAME | bench/table.py"""
import json
import sys


def figure(value, unit):
    if value is None:
        return "–"
    if unit == "B/node":
        return f"{value / 1048576:.2f} MiB"
    return f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"


def main():
    rows = {}  # case: (unit, ours, {peer: (figure, ratio)}, n)
    peers = []
    for text in sys.stdin:
        line = json.loads(text)
        peer = f"{line['peer_name']} {line['peer_version']}"
        if peer not in peers:
            peers.append(peer)
        row = rows.setdefault((line["bench"], line["case"]), {"unit": line["unit"], "peers": {}})
        mark = "≥ " if line.get("open") else ""
        peer_mark = "≥ " if line.get("peer_open") else ""
        limit = line.get("limit", 0)
        if limit and line["ours"] is not None and line["ours"] <= limit:
            mark = "≤ "
        if limit and line["peer"] is not None and line["peer"] <= limit:
            peer_mark = "≤ "
        row["ours"] = mark + figure(line["ours"], line["unit"])
        ratio = "" if line["ratio"] is None else f" ({line['ratio']:.2g}×)"
        count = f", n={line['peer_n']}" if line.get("peer_n", line["n"]) != line["n"] else ""
        row["peers"][peer] = peer_mark + figure(line["peer"], line["unit"]) + ratio + count
        row["n"] = line["n"]
    print("| case | unit | n | ours | " + " | ".join(peers) + " |")
    print("|---|---|--:|--:|" + "--:|" * len(peers))
    for (_, case), row in rows.items():
        unit = "per node" if row["unit"] == "B/node" else row["unit"]
        cells = [case, unit, str(row["n"]), row["ours"]] + [row["peers"].get(p, "–") for p in peers]
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    sys.exit(main())
