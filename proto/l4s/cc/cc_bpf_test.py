# SPDX-License-Identifier: BSD-2-Clause
"""The congestion controls for eBPF: every header stands alone, all functions compile without signed division, 128 bits,
libc or function pointers, and no chain of calls needs more than 300 bytes of stack."""
import pathlib
import re
import subprocess
import sys
import tempfile

TOP, CLANG = pathlib.Path(sys.argv[1]), sys.argv[2]
HERE = TOP / 'proto/l4s/cc'
FLAGS = ['-target', 'bpf', '-ffreestanding', '-mcpu=v3', '-O2', '-Wall', '-Werror', '-Wframe-larger-than=160', '-I', str(TOP)]
INLINE = sorted(p for p in HERE.glob('*.h') if p.name not in ('cc_drive.h',))
failed = 0
n = 0


def tell(ok, name, why=''):
    global failed, n
    n += 1
    failed += not ok
    print(('ok' if ok else 'not ok'), n, '-', name)
    for line in why.splitlines():
        print('#', line)


def clang(source, *more):
    return subprocess.run([CLANG, *FLAGS, *more, '-c', '-x', 'c', '-', '-o', more[-1] if more else '/dev/null'],
                          input=source, text=True, capture_output=True)


print('TAP version 13')
for h in INLINE:
    r = clang(f'#include "proto/l4s/cc/{h.name}"\nint use;\n')
    tell(r.returncode == 0, f'{h.name} stands alone', r.stderr)

with tempfile.TemporaryDirectory() as d:
    obj = d + '/all.s'
    r = subprocess.run([CLANG, *FLAGS, '-S', str(HERE / 'cc_bpf_test.bpf.c'), '-o', obj], text=True, capture_output=True)
    tell(r.returncode == 0, 'all functions compile, no frame over 160 bytes', r.stderr)
    text = pathlib.Path(obj).read_text() if r.returncode == 0 else ''

# The deepest chain: frames (r10 offsets) and calls of each function, as the verifier adds them (rounded to 32).
frame, calls, name = {}, {}, None
for line in text.splitlines():
    if m := re.match(r'([a-z_]\w*):\s', line + ' '):
        name = m[1]
        frame.setdefault(name, 0)
        calls.setdefault(name, set())
    elif name and (m := re.search(r'r10 (?:- |\+ -|\+= -)(\d+)', line)):
        frame[name] = max(frame[name], int(m[1]))
    elif name and (m := re.search(r'\bcall (\w+)', line)):
        calls[name].add(m[1])


def deep(f, seen=()):
    assert f not in seen, 'recursion'
    return -(-frame.get(f, 0) // 32) * 32 + max((deep(c, (*seen, f)) for c in calls.get(f, ())), default=0)


users = [f for f in frame if f.startswith('use_')]
tell(len(users) == 5, 'the five users of the headers are there')
for f in users:
    tell(deep(f) <= 300, f'{f}: {deep(f)} bytes of stack')
outside = {c for cs in calls.values() for c in cs if c not in frame}
tell(not outside, 'no function is called that is not here', ' '.join(sorted(outside)))
tell('callx' not in text, 'no function pointers')
print(f'1..{n}')
sys.exit(bool(failed))
