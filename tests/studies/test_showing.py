import io

import pytest
from rich.console import Console

from crossbar_hil.studies.showing import Bar, Lines, Silent, make_show


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    """A terminal that can do more than the worst, whatever the tests are started on."""
    monkeypatch.setenv("TERM", "xterm-256color")


def test_a_line_is_printed_after_every_tenth_with_the_time_left():
    out = io.StringIO()
    now = [0.0]
    show = Lines(Console(file=out, width=200), clock=lambda: now[0])
    show.expect(100, "2 points")
    for _ in range(20):
        now[0] += 1.0
        show(5)
    lines = out.getvalue().splitlines()
    assert lines[0] == "2 points"
    assert lines[1] == "10/100 chips  about 18 s left"
    assert lines[-1] == "100/100 chips  about 0 s left"
    assert len(lines) <= 11


def test_what_was_done_before_and_what_came_before_the_work_do_not_count_in_the_time_left():
    out = io.StringIO()
    now = [0.0]
    show = Lines(Console(file=out, width=200), clock=lambda: now[0])
    now[0] = 60.0  # loading
    show.expect(100, "2 points")
    show.found(50)
    now[0] += 10.0
    show(10)
    assert out.getvalue().splitlines()[1:] == ["60/100 chips  about 40 s left"]


def test_a_terminal_has_a_bar_and_a_file_has_lines():
    assert isinstance(make_show(Console(file=io.StringIO(), force_terminal=True), quiet=False), Bar)
    assert isinstance(make_show(Console(file=io.StringIO()), quiet=False), Lines)
    assert type(make_show(Console(file=io.StringIO()), quiet=True)) is Silent


def test_the_bar_shows_what_is_done_of_how_many_chips():
    out = io.StringIO()
    with Bar(Console(file=out, force_terminal=True, width=120)) as show:
        show.expect(400, "round 1 of 3: 4 settings")
        show(100)
    assert "round 1 of 3: 4 settings" in out.getvalue()
    assert "100/400" in out.getvalue()


def test_what_somebody_waits_for_is_said_in_a_line_or_above_the_bar_or_not_at_all():
    lines, above = io.StringIO(), io.StringIO()
    Lines(Console(file=lines)).note("compiling [once]")
    assert lines.getvalue() == "compiling [once]\n"
    with Bar(Console(file=above, force_terminal=True, width=120)) as show:
        show.note("compiling [once]")
    assert "compiling [once]\n" in above.getvalue()
    Silent().note("compiling [once]")
