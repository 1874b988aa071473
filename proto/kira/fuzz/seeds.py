#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes wire.corpus: the messages of vectors.json and some broken ones. Run after a change of either."""
import json
import pathlib
import re
import struct

here = pathlib.Path(__file__).parent
corpus = here / "wire.corpus"
vectors = json.loads((here.parent / "vectors.json").read_text())
by_name = {m["name"]: bytes.fromhex(m["hex"]) for m in vectors["messages"]}


def write(name, data):
    (corpus / re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")).write_bytes(data)


def sized(data):
    return data[:3] + struct.pack(">H", len(data)) + data[5:]


for name, data in by_name.items():
    write(name, data)

hello = by_name["ULNHello"]
find = by_name["FindNodeReq exact=1 target D not-via B-D"]
rsp = by_name["QueryRouteRsp C to A via B, neighbours B,D"]
update = by_name["UpdateRouteReq A to B: D unreachable, C change"]
store = by_name["StoreReq with age 60000ms"]
write("broken short", hello[:54])
write("broken ssn 0", hello[:49] + bytes(4) + hello[53:])
write("broken length", hello + b"\0")
write("broken object overruns", sized(hello + b"\x03\x00\x18\x0a"))
write("broken rtable cut", sized(rsp[:-7]))
write("broken rtable count", rsp.replace(b"\xdd\x00\x01\xd0", b"\xdd\xff\xff\xd0"))
write("broken update path", update[:-30] + bytes(14) + update[-16:])
write("broken twins", sized(find + find[55:]))
write("broken store age cut", sized(store[:-1]))
write("unknown object and type", sized(hello[:1] + b"\x02" + hello[2:] + b"\xf0\x00\x03abc"))
write("empty contact list", sized(by_name["ULNDiscReq from A to B, neighbours C"][:55] + b"\x03\x00\x00"))
write("not-via other way round", find[:-32] + find[-18:-4] + find[-32:-18] + find[-4:])
