#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""TAP: the objects of the core archives call nothing outside of them but a short list of pure functions. A core gets
the time, random numbers, memory and bytes as arguments; it asks no kernel.
  core_symbols.py ARCHIVE... -- CC...    CC: how to compile, for a test of this test"""
import os
import re
import subprocess
import sys
import tempfile

PURE = set("""
    memcpy memmove memset memcmp memchr memrchr memmem
    strlen strnlen strcmp strncmp strchr strrchr strstr strspn strcspn strpbrk strchrnul
    SHA1_Init SHA1_Update SHA1_Final SHA1_Transform SHA256_Init SHA256_Update SHA256_Final
    __stack_chk_fail _GLOBAL_OFFSET_TABLE_ __popcountdi2 __udivti3 __umodti3 __udivmodti4 __chk_fail
""".split())
INSTRUMENTED = re.compile("__(asan|ubsan|sanitizer|sancov)_")

# What only one archive, or one object of it, may use, and there only.
BY_PLACE = {
    ("libbase-pure.a", None): {"vsnprintf"},
    ("libbase-pure.a", "alloc.o"): {"realloc", "free"},
    ("libbase-pure.a", "err.o"): {"fprintf"},
    ("libl4s-cc.a", "cc_text.o"): {"snprintf", "vsnprintf"},
}

WHY = [
    (r"clock|time|nanosleep|usleep|sleep", "cores take time as an argument"),
    (r"s?rand(om)?(_r)?|drand48|getrandom|getentropy|arc4random.*|RAND_.*|rng_os_.*",
     "cores take random numbers from a struct rng"),
    (r"malloc|calloc|realloc(array)?|free|strn?dup|v?asprintf|posix_memalign|aligned_alloc|getline|open_memstream",
     "cores take memory through struct alloc"),
    (r".*printf|puts|putc|putchar|fput.*|fwrite|fopen|std(out|err|in)|perror|syslog",
     "cores print and write nothing"),
    (r"abort|exit|_exit|__assert_fail|raise|kill", "cores go on, or return an error"),
]


def nm(archive):
    """(object, name, undefined) of each symbol."""
    out = subprocess.run(["nm", "-A", "--format=posix", archive], check=True, capture_output=True, text=True).stdout
    for line in out.splitlines():
        where, _, rest = line.rpartition("]: ")
        if not where:
            continue
        name, kind = rest.split()[:2]
        member = os.path.basename(where[where.rindex("[") + 1:]).removesuffix(".o").removesuffix(".c") + ".o"
        yield member, name, kind in "Uwv"


def plain(name):
    """Without what fortified builds add: __memcpy_chk is memcpy."""
    m = re.fullmatch(r"__(\w+)_chk", name)
    return m.group(1) if m else name


def allowed(archive, member, name):
    if INSTRUMENTED.match(name) or plain(name) in PURE:
        return True
    return any(plain(name) in BY_PLACE.get((archive, place), ()) for place in (None, member))


def why(name):
    for pattern, text in WHY:
        if re.fullmatch(pattern if "clock" not in pattern else f".*({pattern}).*", plain(name)):
            return text
    return "neither defined in a core nor on the list of pure functions"


def check(archives):
    """What is forbidden in each archive, as {archive: [line]}."""
    symbols = {path: list(nm(path)) for path in archives}
    defined = {name for rows in symbols.values() for _, name, undefined in rows if not undefined}
    found = {}
    for path, rows in symbols.items():
        short = os.path.basename(path)
        wrong = {(member, name) for member, name, undefined in rows
                 if undefined and name not in defined and not allowed(short, member, name)}
        found[path] = [f"forbidden: {name} in {member} ({why(name)})" for member, name in sorted(wrong)]
    return found


PLANTED = {
    "libplant-a.a": ("plant_a", """
        #include <stdlib.h>
        #include <string.h>
        #include <time.h>
        long plant_b(void);
        long plant_a(struct timespec *t, void **p);
        long plant_a(struct timespec *t, void **p)
        {
            clock_gettime(CLOCK_MONOTONIC, t);
            *p = malloc(1);
            return plant_b() + (long)strlen(*p);
        }"""),
    "libbase-pure.a": ("plant_b", """
        #include <stdlib.h>
        #include <unistd.h>
        extern void *volatile plant_p;
        void *volatile plant_p;
        long plant_b(void);
        long plant_b(void)
        {
            plant_p = realloc(plant_p, 2);
            return getpid();
        }"""),
}
EXPECTED = [
    "forbidden: clock_gettime in plant_a.o (cores take time as an argument)",
    "forbidden: malloc in plant_a.o (cores take memory through struct alloc)",
    "forbidden: getpid in plant_b.o (neither defined in a core nor on the list of pure functions)",
    "forbidden: realloc in plant_b.o (cores take memory through struct alloc)",
]


def plant(cc):
    """What is found where forbidden calls were put on purpose."""
    with tempfile.TemporaryDirectory() as tmp:
        paths = []
        for archive, (name, text) in PLANTED.items():
            base = os.path.join(tmp, name)
            with open(base + ".c", "w") as f:
                f.write(text)
            subprocess.run([*cc, "-O1", "-c", base + ".c", "-o", base + ".c.o"], check=True)
            paths.append(os.path.join(tmp, archive))
            subprocess.run(["ar", "rcs", paths[-1], base + ".c.o"], check=True)
        return [line for lines in check(paths).values() for line in lines]


def main():
    split = sys.argv.index("--")
    archives, cc = sys.argv[1:split], sys.argv[split + 1:]
    failed = 0
    print(f"1..{len(archives) + 1}")
    for number, (path, lines) in enumerate(check(archives).items(), 1):
        # An archive without a symbol would pass unseen.
        ok = not lines and any(not undefined for _, _, undefined in nm(path))
        failed += not ok
        print(f"{'ok' if ok else 'not ok'} {number} - {os.path.basename(path)} is pure")
        for line in lines:
            print("#", line)
    found = plant(cc)
    ok = found == EXPECTED
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {len(archives) + 1} - forbidden calls put there on purpose are found")
    for line in [] if ok else found:
        print("#", line)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
