# SPDX-License-Identifier: BSD-2-Clause
"""A program on a terminal, and shells that complete a line of dep."""
import os
import pty
import re
import select
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, argv, env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(argv[0], argv, {**os.environ, **env, "TERM": "xterm", "LC_ALL": "C.UTF-8"})
        self.seen = ""

    def until(self, pattern, seconds=20):
        end = time.monotonic() + seconds
        while not re.search(pattern, self.seen):
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                return False
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b""
            if not data:
                return bool(re.search(pattern, self.seen))
            self.seen += data.decode(errors="replace")
        return True

    def type(self, text):
        self.seen = ""
        os.write(self.fd, text.encode())

    def end(self):
        """What it says until it ends; its exit status."""
        self.until(r"(?!)")
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


STARTED = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "bind 'set enable-bracketed-paste off'; bind 'set bell-style none'; "
             f". {TOP}/packaging/completion/dep.bash; echo rea''dy\n"),
    "zsh": (["zsh", "-f", "-i"], f"fpath=({TOP}/packaging/completion $fpath); autoload -U compinit; compinit -u -D; "
            "unsetopt zle_bracketed_paste beep; echo rea''dy\n"),
}


def shell_completes(shell, env, cases):
    """Types each line and a tab: yields (line, True), or what was seen instead."""
    argv, setup = STARTED[shell]
    t = Terminal(argv, {**env, "PS1": "$ "})
    t.type(setup)
    ready = t.until("ready\r?\n")
    for line, want in cases:
        t.type(line + "\t")
        done = ready and t.until(re.escape(want.rstrip()), 5)
        yield line, done or t.seen
        t.type("\x15")
        t.until("never", 0.1)
    t.type("\x15exit\n")
    t.end()
