#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Random schemas and instances: json-schema-tool and python3-jsonschema must give the same verdict. TAP.

usage: json_schema_peer.py TOOL [SEED [SCHEMAS]]; where they differ, the pair is printed."""
import json
import random
import subprocess
import sys

from jsonschema import Draft202012Validator

KEYS = ["a", "b", "c", "name", "x~y", "ü", "d/e"]
WORDS = ["", "a", "ab", "abc", "b", "10", "eth0", "x y", "äö", "𝄞x", "AAAAAAAA", "a-b", "-", "_", "foo.bar"]
PATTERNS = ["^a", "b$", "^[a-z]+$", "^(?:ab|a)*$", "[0-9]{2}", "^.{2,4}$", "^[^a]*$", "^(a|b|)x?y*$", "^[a-z0-9_]+$", "\\s",
            "^eth(0|1)$", "^[-_a-z.]*$", "(?:a+)+$", "^$", "a{0,3}b", "\\bb\\b", "^\\S{1,3}$", "[äö]", "^\\u0061", "x|^$|^b$"]


def value(r, depth=0):
    k = r.randrange(9 if depth < 3 else 6)
    if k == 0:
        return None
    if k == 1:
        return r.random() < 0.5
    if k == 2:
        return r.choice([0, 1, 2, 3, 5, 10, -1, -7, 100, 2**53, 2**63 - 1, 2**64 - 1, -2**63])
    if k == 3:
        return r.choice([0.0, 1.0, 1.5, 2.5, -0.5, 3.0, 1e300, 0.25, -2.0])
    if k in (4, 5):
        return r.choice(WORDS)
    if k == 6:
        return [value(r, depth + 1) for _ in range(r.randrange(5))]
    return {x: value(r, depth + 1) for x in r.sample(KEYS, r.randrange(5))}


def schema(r, depth, defs):
    if r.random() < 0.08:
        return r.random() < 0.7
    s = {}
    for _ in range(r.choice([1, 1, 2, 2, 3, 4])):
        sub = (lambda: schema(r, depth - 1, defs)) if depth > 0 else (lambda: r.choice([True, {"type": "string"}, {"type": "integer"}]))
        k = r.randrange(34)
        if k < 4:
            types = ["null", "boolean", "number", "integer", "string", "array", "object"]
            s["type"] = r.choice(types) if r.random() < 0.6 else r.sample(types, r.randrange(1, 4))
        elif k == 4:
            s["enum"] = [value(r) for _ in range(r.randrange(1, 12))]
        elif k == 5:
            s["const"] = value(r)
        elif k == 6:
            s["minimum"] = r.choice([0, 1, -1, 2.5, 2**63])
        elif k == 7:
            s["maximum"] = r.choice([0, 1, 10, 2.5, 2**63 - 1])
        elif k == 8:
            s[r.choice(["exclusiveMinimum", "exclusiveMaximum"])] = r.choice([0, 1, 2, 1.5])
        elif k == 9:
            s["multipleOf"] = r.choice([1, 2, 0.5, 3, 0.25, 1.0])
        elif k == 10:
            s[r.choice(["minLength", "maxLength"])] = r.choice([0, 1, 2, 3, 2.0])
        elif k == 11:
            s["pattern"] = r.choice(PATTERNS)
        elif k == 12:
            s[r.choice(["minItems", "maxItems", "minProperties", "maxProperties"])] = r.randrange(4)
        elif k == 13:
            s["uniqueItems"] = True
        elif k == 14:
            s["contains"] = sub()
            if r.random() < 0.5:
                s["minContains"] = r.randrange(3)
            if r.random() < 0.5:
                s["maxContains"] = r.randrange(3)
        elif k == 15:
            s["required"] = r.sample(KEYS, r.randrange(3))
        elif k == 16:
            s["dependentRequired"] = {r.choice(KEYS): r.sample(KEYS, r.randrange(3))}
        elif k == 17:
            s["dependentSchemas"] = {r.choice(KEYS): sub()}
        elif k in (18, 19):
            s["properties"] = {x: sub() for x in r.sample(KEYS, r.randrange(1, 5))}
        elif k == 20:
            s["patternProperties"] = {r.choice(PATTERNS): sub()}
        elif k == 21:
            s["additionalProperties"] = r.choice([False, sub()])
        elif k == 22:
            s["propertyNames"] = sub()
        elif k == 23:
            s["items"] = sub()
        elif k == 24:
            s["prefixItems"] = [sub() for _ in range(r.randrange(1, 3))]
        elif k == 25:
            s[r.choice(["allOf", "anyOf", "oneOf"])] = [sub() for _ in range(r.randrange(1, 4))]
        elif k == 26:
            s["not"] = sub()
        elif k == 27:
            s["if"], s["then"] = sub(), sub()
            if r.random() < 0.7:
                s["else"] = sub()
        elif k == 28 and depth > 0:
            s["unevaluatedProperties"] = r.choice([False, False, {"type": "string"}])
        elif k == 29 and depth > 0:
            s["unevaluatedItems"] = r.choice([False, False, {"type": "string"}])
        elif defs:
            # Only to what stands behind: no loops in place, which the peer cannot bear.
            s["$ref"] = r.choice(["#/$defs/%s" % d for d in defs] + ["#anchor-%s" % d for d in defs])
    return s


def whole(r):
    names = ["p", "q"]
    defs = {}
    for i, name in enumerate(names):
        d = schema(r, 1, names[:i])
        if isinstance(d, bool):
            d = {"allOf": [d]}
        d["$anchor"] = "anchor-" + name
        defs[name] = d
    s = schema(r, 2, names)
    if isinstance(s, bool):
        s = {"not": {"not": s}}
    s["$defs"] = defs
    return s


def peer_can(s):
    """The peer overlooks that a schema under additionalProperties evaluates for unevaluatedProperties."""
    text = json.dumps(s)
    return "unevaluatedProperties" not in text or '"additionalProperties": {' not in text


def main():
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    n = int(sys.argv[3]) if len(sys.argv) > 3 else 900
    r = random.Random(seed)
    tool = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    pairs = valid = differ = 0
    for _ in range(n):
        s = whole(r)
        while not peer_can(s):
            s = whole(r)
        instances = [value(r) for _ in range(10)]
        Draft202012Validator.check_schema(s)
        peer = Draft202012Validator(s)
        want = "".join("01"[peer.is_valid(v)] for v in instances)
        tool.stdin.write(json.dumps([s] + instances, ensure_ascii=False) + "\n")
        tool.stdin.flush()
        have = tool.stdout.readline().rstrip("\n")
        pairs += len(instances)
        valid += want.count("1")
        if have != want:
            differ += 1
            print("# %s: ours %s, peer %s" % (json.dumps(s, ensure_ascii=False), have, want))
            for i, v in enumerate(instances):
                if i < len(have) and have[i] != want[i]:
                    print("#   %s" % json.dumps(v, ensure_ascii=False))
    tool.stdin.close()
    tool.wait()
    print("%sok 1 - %d pairs (%d valid), seed %d: %d schemas judged otherwise" %
          ("not " if differ or tool.returncode else "", pairs, valid, seed, differ))
    print("%sok 2 - both verdicts are common" % ("" if pairs // 10 < valid < pairs * 9 // 10 else "not "))
    print("1..2")
    return 1 if differ else 0


sys.exit(main())
