"""What a person sees while something takes its time, drawn on a console of a test, with a clock of its own."""

import io

import pytest
from rich.console import Console

from crossbar_hil.runs.live.progress import LineProgress, LiveProgress
from crossbar_hil.screen.pace import Pace
from crossbar_hil.screen.terminal import Lines, OnTerminal, make_phases
from crossbar_hil.screen.view import NothingShown, Onlooker, hidden_while
from crossbar_hil.studies.showing import make_show

ERASED = "\x1b[2K"
"""Of a line, on a terminal (ECMA-48, EL)."""


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    """A terminal that can do more than the worst, whatever the tests are started on."""
    monkeypatch.setenv("TERM", "xterm-256color")


def console(width=80, terminal=True):
    return Console(file=io.StringIO(), width=width, force_terminal=terminal, color_system=None, legacy_windows=False)


def drawn(screen, view):
    """What a view shows now on a screen as wide, as text."""
    other = console(screen.width)
    other.print(view)
    return other.file.getvalue().rstrip("\n").split("\n")


def test_a_phase_says_how_long_it_has_been_going_on_once_that_is_a_second():
    clock, screen = Clock(), console()
    with OnTerminal(screen, clock) as view:
        view.phase("starting the emulated instruments")
        assert drawn(screen, view) == ["starting the emulated instruments"]
        clock.now_s = 0.9
        assert drawn(screen, view) == ["starting the emulated instruments"]
        clock.now_s = 65.0
        assert drawn(screen, view) == ["starting the emulated instruments  1 min 5 s"]
        view.phase("reading")
        assert drawn(screen, view) == ["reading"]


def test_a_step_says_what_is_gone_and_left_and_a_narrow_terminal_cuts_the_words_and_not_the_time():
    clock, screen = Clock(), console(width=60)
    pace = Pace(clock)
    with OnTerminal(screen, clock) as view:
        for done in (1, 2):
            clock.now_s += 2.0
            pace.step(done)
            view.step("row 1, column 1  2/24  0.6466 uS after 10 pulses of -2.8 V", pace, 24)
        assert drawn(screen, view) == ["row 1, column 1  2/24  0.6466 uS afte…  4 s, about 44 s left"]
        clock.now_s += 1.0
        assert drawn(screen, view) == ["row 1, column 1  2/24  0.6466 uS afte…  5 s, about 43 s left"]
        view.phase("making the bench safe, which takes longer than anybody would think of it")
        clock.now_s += 9.0
        assert drawn(screen, view) == ["making the bench safe, which takes longer than anybody…  9 s"]


def test_nothing_of_a_phase_is_left_on_a_terminal_in_the_end_or_while_somebody_is_asked():
    screen = console()
    with OnTerminal(screen) as view:
        view.phase("opening")
        view.hide()
        at_question = screen.file.getvalue()
        assert ERASED in at_question.rpartition("opening")[2]
        view.hide()
        assert screen.file.getvalue() == at_question
        view.phase("reading")
    assert ERASED in screen.file.getvalue().rpartition("reading")[2]


def test_what_is_printed_aside_stands_on_a_line_of_its_own_and_the_phase_comes_back_below():
    screen = console()
    with Onlooker(OnTerminal(screen)) as view:
        view.phase("reading the board")
        with view.aside():
            screen.file.write("passed\n")
        after = screen.file.getvalue()
    before, _, below = after.partition("passed\n")
    assert ERASED in before.rpartition("reading the board")[2]
    assert "reading the board" in below
    with Onlooker(OnTerminal(screen)) as view, view.aside():
        pass
    assert screen.file.getvalue().count("reading the board") == after.count("reading the board")


def test_elsewhere_a_phase_is_a_plain_line_and_a_brief_one_is_none():
    screen = console(width=20, terminal=False)
    with make_phases(screen) as view:
        view.phase("loading", brief=True)
        view.phase("starting the emulated instruments [of a bench]")
        view.hide()
    assert screen.file.getvalue() == "starting the emulated instruments [of a bench]\n"


def test_a_terminal_on_which_nothing_can_be_kept_in_place_gets_lines(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    screen = console()
    with make_phases(screen) as view:
        view.phase("opening")
    assert screen.file.getvalue() == "opening\n"


def test_who_is_asked_on_a_terminal_gets_lines_and_who_wants_it_quiet_nothing():
    screen = console()
    for view in (make_phases(screen, lines=True), make_phases(screen, quiet=True)):
        with view:
            view.phase("opening")
    assert screen.file.getvalue() == "opening\n"


def test_a_view_that_fails_stops_nobody():
    class Gone(NothingShown):
        def phase(self, what, *, brief=False):
            raise OSError(5, "Input/output error")

        def hide(self):
            raise AssertionError("it has failed already")

    with Onlooker(Gone()) as view:
        view.phase("opening")
        assert isinstance(view.failure, OSError)
        view.hide()


@pytest.mark.parametrize("answer", [True, False, "yes"])
def test_a_view_is_hidden_before_somebody_is_asked_and_the_answer_is_handed_on(answer):
    said = []

    class View(NothingShown):
        def hide(self):
            said.append("hidden")

    assert hidden_while(View(), lambda what: said.append(what) or answer)("hardware") is answer
    assert said == ["hidden", "hardware"]


def test_what_is_left_goes_by_the_steps_and_not_by_what_came_before_the_first():
    clock = Clock()
    pace = Pace(clock)
    assert pace.text(10) == ""
    clock.now_s = 30.0  # compiling
    assert pace.text(10) == "30 s"
    pace.step(1)
    assert pace.text(10) == "30 s"
    for done in (2, 3):
        clock.now_s += 2.0
        pace.step(done)
    assert pace.text(10) == "34 s, about 14 s left"
    assert pace.rate == 0.5
    clock.now_s += 1.0
    assert pace.text(10, "at most") == "35 s, at most 13 s left"
    clock.now_s += 60.0  # a step that takes longer than any before
    assert pace.text(10) == "1 min 35 s, about 0 s left"
    pace.end()
    clock.now_s += 60.0
    assert pace.text(10) == "1 min 35 s"


def test_what_is_left_is_that_of_the_last_steps():
    clock = Clock()
    pace = Pace(clock)
    for done in range(1, 31):
        clock.now_s += 1.0 if done <= 10 else 3.0
        pace.step(done)
    assert pace.text(40) == "1 min 10 s, about 30 s left"


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_training_fits_the_terminal_and_says_what_is_gone_and_left(width, converged_run):
    from crossbar_hil.runs.store import load_run

    clock, screen = Clock(), console(width)
    epochs = load_run(converged_run).epochs
    with LiveProgress(screen, 48, clock) as view:
        view.phase("starting the emulated instruments")
        clock.now_s = 5.0
        view.phase("the first epoch", brief=True)
        for epoch in epochs[:2]:
            clock.now_s += 4.0
            view.show(epoch)
        clock.now_s += 1.0
        lines = drawn(screen, view)
        view.phase("making the bench safe")
        clock.now_s += 2.0
        after = drawn(screen, view)
    assert max(map(len, lines)) <= width
    assert "2/48" in lines[0]
    assert lines[0].rstrip().endswith("9 s, at most 3 min 3 s left")
    assert lines[1].split("   ")[1].startswith("met ")
    assert "highest" in lines[2]
    assert after[0].rstrip().endswith(" 9 s")
    assert after[-1] == "making the bench safe  2 s"
    assert drawn(screen, view)[-1] != after[-1]


def test_elsewhere_an_epoch_is_a_line_with_the_time_once_there_is_any(converged_run):
    from crossbar_hil.runs.store import load_run

    clock, screen = Clock(), console(terminal=False)
    view = LineProgress(screen, 48, clock)
    for epoch, seconds in zip(load_run(converged_run).epochs, (0.5, 2.0, 2.0), strict=False):
        clock.now_s += seconds
        view.show(epoch)
    lines = screen.file.getvalue().splitlines()
    assert lines[0].endswith("  pulses 8")
    assert lines[1].endswith("  2 s, at most 1 min 32 s left")


def test_a_study_says_what_is_left_at_the_pace_of_what_was_not_found_on_disk():
    clock, screen = Clock(), console()
    show = make_show(screen, quiet=False)
    show.clock = clock
    with show:
        show.expect(100, "3 points")
        show.found(40)
        assert drawn(screen, show)[0] == "3 points"
        clock.now_s = 10.0
        show(20)
        assert drawn(screen, show)[1].rstrip().endswith("60/100 chips 10 s, about 20 s left")


def test_lines_of_a_study_have_no_control_codes():
    screen = console(terminal=False)
    show = make_show(screen, quiet=False, noun="networks")
    with show:
        show.phase("loading what trains such chips", brief=True)
        show.expect(20, "2 points")
        for _ in range(20):
            show(1)
        show.note("compiling")
    lines = screen.file.getvalue().splitlines()
    assert lines[0] == "2 points"
    assert [line.split("  ")[0] for line in lines[1:-1]] == [f"{each}/20 networks" for each in range(2, 21, 2)]
    assert "\x1b" not in screen.file.getvalue()
    assert isinstance(show, Lines)
