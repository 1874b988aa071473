# SPDX-License-Identifier: BSD-2-Clause
"""A header with the hash of what decides a simulation's result: the sources of the simulator, its
queue managers and congestion controls. Results of runs are kept under it.

Use: code_version.py ROOM-DIRECTORY HEADER DEPFILE"""
import hashlib
import pathlib
import sys

room, header, depfile = map(pathlib.Path, sys.argv[1:])
sources = sorted(
    p for d in ('.', 'aqm', 'cc', 'tcp', 'sim') for p in (room / d).glob('*.[ch]')
    if not any(w in p.stem for w in ('_test', '_bench', 'main')))
sources += [room / 'study' / name for name in ('simulate.c', 'grid.h')]
h = hashlib.sha256()
for p in sources:
    h.update(p.relative_to(room).as_posix().encode() + b'\0' + p.read_bytes())
text = f'#define L4S_CODE_VERSION "{h.hexdigest()[:16]}"\n'
if not header.exists() or header.read_text() != text:
    header.write_text(text)
watched = sources + sorted(room.glob('*/meson.build'))  # a new source comes with a line there
depfile.write_text(f'{header}: ' + ' '.join(map(str, watched)) + '\n')
