"""A process that is killed while something stays in place on a terminal shows the cursor, and dies of the signal."""

import os
import pty
import signal

import pytest
from rich.console import Console

from crossbar_hil.screen.terminal import OnTerminal

LAST = "last"


@pytest.mark.parametrize("forked", [False, True])
def test_the_cursor_comes_back_before_the_process_dies(monkeypatch, forked):
    master, slave = pty.openpty()
    died, owner = [], os.getpid()
    with os.fdopen(slave, "w") as file, OnTerminal(Console(file=file, force_terminal=True)) as view:
        view.phase("training")
        if forked:
            monkeypatch.setattr("os.getpid", lambda: owner + 1)
        monkeypatch.setattr("os.kill", lambda *how: died.append((*how, signal.getsignal(signal.SIGTERM))))
        signal.raise_signal(signal.SIGTERM)
        monkeypatch.undo()
        file.write(LAST)
        file.flush()
        said = b""
        while not said.endswith(LAST.encode()):  # a terminal hands out what it was given in parts
            said += os.read(master, 65536)
    os.close(master)
    assert died == [(owner + forked, signal.SIGTERM, signal.SIG_DFL)]
    assert (said.rfind(b"\x1b[?25h") > said.find(b"\x1b[?25l") >= 0) is not forked


def test_what_others_do_at_a_kill_stays():
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as file:
        console = Console(file=file, force_terminal=True)
        with OnTerminal(console) as view:
            view.phase("training")
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
        try:
            with OnTerminal(console) as view:
                view.phase("training")
                assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
        finally:
            signal.signal(signal.SIGTERM, before)
    os.close(master)
