"""What the pages tell a person to type is understood, and what those for users show is what happens."""

import re
import shlex
from pathlib import Path

import click
import pytest

from crossbar_hil.cli.verbs import cli
from crossbar_hil.curves.reading import understand

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
BLOCK = re.compile(r"^```(?:console|sh|text|\{code-cell\} ipython3)\n(.*?)^```", re.MULTILINE | re.DOTALL)
TYPED = re.compile(r"^(?:\$ )?(?:[./\w]*/)?crossbar-hil ((?:.*\\\n)*.*)$", re.MULTILINE)
FILE = re.compile(r"`([\w.]+)`:\n\n```\w+\n(.*?)```", re.DOTALL)


def files(page):
    """Return the files that a page shows, by name."""
    return dict(FILE.findall((ROOT / "docs" / "start" / page).read_text(encoding="utf-8")))


def commands(text):
    """Return every command in the blocks of a page; ``&&`` and redirections end one."""
    for block in BLOCK.findall(text):
        for typed in TYPED.findall(block):
            yield re.split(r"&&|[>|]", typed.replace("\\\n", " "))[0]


def refusal(words):
    """Return why click does not understand a command; None if it does. Nothing is carried out."""
    command, context = cli, click.Context(cli)
    while isinstance(command, click.Group):
        name, *words = words
        command = command.get_command(context, name)
        if command is None:
            return f"no verb {name}"
    try:
        command.make_parser(click.Context(command)).parse_args(args=list(words))
    except click.UsageError as error:
        return error.format_message()
    return None


def test_every_command_on_a_page_names_verbs_and_options_that_there_are():
    typed = {(page.name, each) for page in PAGES for each in commands(page.read_text(encoding="utf-8"))}
    refused = {(page, each): refusal(shlex.split(each, comments=True)) for page, each in typed}
    assert {each: why for each, why in refused.items() if why} == {}


def test_commands_are_found_and_a_wrong_one_is_refused():
    found = list(commands((ROOT / "docs" / "start" / "curve.md").read_text(encoding="utf-8")))
    assert [each.split()[0] for each in found] == ["curve", "tune", "train", "watch", "export"]
    assert sum(len(list(commands(page.read_text(encoding="utf-8")))) for page in PAGES) > 70
    assert refusal(["train", "--colour", "red"]).startswith("No such option '--colour'.")
    assert refusal(["snn", "fly"]) == "no verb fly"


def test_a_page_for_a_user_has_five_commands_at_most_and_one_picture():
    for page in (ROOT / "docs" / "start").rglob("*.md"):
        text = page.read_text(encoding="utf-8")
        assert 1 <= len(re.findall(r"^\$ ", text, re.MULTILINE)) <= 5, page.name
        assert len(re.findall(r"^!\[", text, re.MULTILINE)) == 1, page.name


@pytest.mark.filterwarnings("ignore:It is not known whether")  # PyMeasure's own, of a 2600
@pytest.mark.parametrize("mended", [False, True])
def test_the_test_on_the_page_fails_as_shown_and_passes_with_two_lines_exchanged(mended, emulated_bench):
    shown = files("scripts.md")
    script, names = shown["iv.py"], {}
    relays, off = (re.search(rf"( +{each}.*\n +.*\n)", script)[1] for each in ("relays.write.*allslots", "source.*OFF"))
    exec(script.replace(relays + off, off + relays) if mended else script, names)
    exec(shown["test_iv.py"].replace("from iv import sweep\n", ""), names)
    judge = names["test_a_sweep_reads_row_1_and_harms_nothing"]
    if mended:
        judge(emulated_bench)
    else:
        with pytest.raises(AssertionError):
            judge(emulated_bench)
    assert [each["what"] for each in emulated_bench.world.log.of("violation")] == ["hot switching"] * (not mended)


def test_the_file_on_the_page_leaves_nothing_open(tmp_path):
    path = tmp_path / "measured.txt"
    path.write_text(files("curve.md")["measured.txt"], encoding="utf-8")
    (curve,) = understand(path).curves
    assert curve.levels_siemens[0] == pytest.approx(1 / 412e3)
    assert len(curve.levels_siemens) == 17
