#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A decoder of KIRA messages that shares nothing with the C code: written from the specification (spec 2.3 to 2.7).
Reads lines of hex, prints a line of JSON for each: what the message says, or {"ok": false} and why it is dropped."""
import json
import sys

ROUTED = {0x09, 0x0A, 0x0B, 0x0C, 0x11, 0x21, 0x22, 0x70, 0x81, 0x82, 0x83, 0xA1, 0xA2, 0xA3, 0xA4}
REQUIRED = {0x09: "rtable_req", 0x0B: "rtable_req", 0x11: "update", 0x70: "error",
            0xA1: "store_req", 0xA2: "store_rsp", 0xA3: "fetch_req", 0xA4: "fetch_rsp"}
MAX_ROUTE = 1024  # the index of a hop is at most 1023


class Drop(Exception):
    pass


def need(condition, why):
    if not condition:
        raise Drop(why)


class Bytes:
    """A cursor over bytes that raises Drop at their end."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def more(self):
        return self.at < len(self.data)

    def take(self, n):
        need(self.at + n <= len(self.data), "overrun")
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, n):
        return int.from_bytes(self.take(n), "big")

    def node_id(self):
        node = self.take(14)
        need(node not in (bytes(14), b"\xff" * 14), "forbidden ID")
        return node.hex()

    def ssn(self):
        ssn = self.number(4)
        need(ssn not in (0, 0xFFFFFFFF), "forbidden SSN")
        return ssn


def hops(body, count):
    path = [body.node_id() for _ in range(count)]
    need(all(a != b for a, b in zip(path, path[1:])), "hop twice in a row")
    return path


def source_route(body, msg):
    index = body.number(2)
    left = len(body.data) - 2
    need(left % 14 == 0, "size of route")
    count = left // 14
    need(2 <= count <= MAX_ROUTE, "hops of route")
    route = hops(body, count)
    need(0 < index < count, "index")
    need(route[0] == msg["src"], "first hop")
    return [index, route]


def not_via(body):
    links = []
    while body.more():
        a, b = sorted((body.node_id(), body.node_id()))
        need(a != b, "link to itself")
        links.append([a, b, body.number(4)])
    return links


def contacts(body):
    entries = []
    while body.more():
        entries.append([body.node_id(), body.ssn(), body.number(4), body.number(2)])
    return entries


def paths(body, with_action):
    entries = []
    while body.more():
        contact = body.node_id()
        count = body.number(2)
        need(0 < count < MAX_ROUTE, "hops of path")
        path = hops(body, count)
        need(path[-1] == contact, "path to another node")
        entry = [contact, body.ssn(), body.number(4), body.number(2), path]
        if with_action:
            action = body.number(1)
            need(action <= 3, "action")
            entry.append(action)
        entries.append(entry)
    return entries


def error_data(body):
    kind = body.number(1)
    need(kind in (0x05, 0x0A), "kind of error")
    if kind == 0x0A:
        return [kind]
    reporter, a, b = body.node_id(), body.node_id(), body.node_id()
    need(a != b, "link to itself")
    return [kind, reporter, a, b]


def store_req(body):
    request = [body.take(14).hex(), body.take(body.number(2)).hex()]
    if body.more():
        request.append(body.number(8))
    return request


def store_rsp(body):
    status = body.number(1)
    need(status <= 2, "status")
    return status


def fetch_rsp(body):
    status = body.number(1)
    need(status <= 1, "status")
    if status == 1:
        return [1]
    return [0] + [body.take(body.number(2)).hex() for _ in range(body.number(2))]


OBJECTS = {
    0x01: ("route", source_route),
    0x02: ("not_via", lambda body, msg: not_via(body)),
    0x03: ("contacts", lambda body, msg: contacts(body)),
    0x04: ("rtable_req", lambda body, msg: [body.number(1), body.number(1)]),
    0x05: ("rtable", lambda body, msg: paths(body, False)),
    0x06: ("update", lambda body, msg: paths(body, True)),
    0x07: ("error", lambda body, msg: error_data(body)),
    0x80: ("store_req", lambda body, msg: store_req(body)),
    0x81: ("store_rsp", lambda body, msg: store_rsp(body)),
    0x82: ("fetch_req", lambda body, msg: body.take(14).hex()),
    0x83: ("fetch_rsp", lambda body, msg: fetch_rsp(body)),
}


def decode(data):
    need(len(data) >= 55, "under 55 bytes")
    rest = Bytes(data)
    need(rest.number(1) == 0, "version")
    msg = {"ok": True, "type": rest.number(1), "flags": rest.number(1)}
    need(rest.number(2) == len(data), "msg_length")
    msg["dest"] = rest.take(14).hex()
    msg["src"] = rest.node_id()
    msg["domain"] = rest.number(8)
    msg["msg_id"] = rest.number(8)
    msg["ssn"] = rest.number(4)
    need(msg["ssn"] != 0, "header SSN 0")
    msg["degree"] = rest.number(2)
    while rest.more():
        kind = rest.number(1)
        body = Bytes(rest.take(rest.number(2)))
        if kind in OBJECTS:
            name, parse = OBJECTS[kind]
            msg[name] = parse(body, msg)
            need(not body.more(), "trailing bytes in " + name)
    need(msg["type"] not in ROUTED or "route" in msg, "no source route")
    need(REQUIRED.get(msg["type"], "ok") in msg, "a required object is missing")
    need(msg["type"] != 0x09 or msg["rtable_req"][1] > 0, "radius 0")
    return msg


def check(text):
    try:
        return decode(bytes.fromhex(text))
    except Drop as why:
        return {"ok": False, "why": str(why)}


if __name__ == "__main__":
    for text in sys.stdin:
        print(json.dumps(check(text.strip())))
