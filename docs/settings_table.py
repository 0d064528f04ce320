"""Write docs/settings.md: every setting of every model that a driver owns, from the tables of ``instruments/settings``.

``python docs/settings_table.py`` writes the page, ``tests/house/test_settings_table.py`` sees that it is up to date.
"""

import importlib
import pkgutil
import sys
from pathlib import Path

import crossbar_hil.instruments.settings as package
from crossbar_hil.instruments.settings.keithley2600 import settings_of
from crossbar_hil.instruments.settings.limits2600 import LIMITS
from crossbar_hil.instruments.settings.setting import Action, Asked, Number, Setting, SettingTable, Switch, Words

PAGE = Path(__file__).resolve().parent / "settings.md"
HEAD = """\
<!-- written by docs/settings_table.py; do not edit -->
# Settings

Every setting of an instrument that changes what a cell sees, for how long or how often, what is measured or how that is
reported. A driver writes them all when it sets a channel up, asks each back, and asks again before a batch of reads or
pulses and before each change of relays for a pulse; what is different by then stops the run, which names it.

*As asked for* is a value that `[instruments]` and `[limits]` of the bench file decide; *left alone* stays as the person
at the instrument chose it and must not change in a run. What shapes a pulse is written once more with the message that
starts it. Below each table stands what else the instrument lets be set, and why no driver owns it.
"""


def tables() -> dict[str, tuple[SettingTable, dict[str, str]]]:
    """Return the table of every family by the first sentence of its module, and what is left out of it and why."""
    found: dict[str, tuple[SettingTable, dict[str, str]]] = {}
    for each in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{each.name}")
        title = (module.__doc__ or "").split("\n\n")[0].replace("\n", " ").rstrip(".").replace("``", "`")
        own = [table for table in vars(module).values() if isinstance(table, SettingTable)]
        if module.__name__ == settings_of.__module__:
            own = [settings_of(LIMITS["2636B"])]
        for table in own:
            found[title] = table, module.LEFT_OUT
    return found


def page() -> str:
    """Return docs/settings.md."""
    lines = [HEAD]
    for title, (table, left_out) in tables().items():
        lines += [
            f"## {title}",
            "",
            "| what | command | set to | may be | asked again | manual |",
            "|---|---|---|---|---|---|",
        ]
        lines += [f"| {' | '.join(cell.replace('|', '/') for cell in _cells(each))} |" for each in table.values()]
        lines += ["", "Not in the table:", ""]
        lines += [f"- {_names(names)}: {why};" for names, why in left_out.items()]
        lines[-1] = lines[-1].removesuffix(";") + "."
        lines.append("")
    return "\n".join(lines)


def _names(names: str) -> str:
    return ", ".join(f"`{each}`" for each in names.replace(",", " ").split())


def _cells(setting: Setting) -> list[str]:
    if isinstance(setting.kind, Action):
        return [setting.name.replace("_", " "), f"`{setting.command}`", "done", "", "", setting.page]
    asked = {Asked.NEVER: "not asked", Asked.SET_UP: "set-up only"}.get(setting.asked, setting.asked.value)
    return [setting.does, f"`{setting.command}`", _value(setting), _bounds(setting), asked, setting.page]


def _value(setting: Setting) -> str:
    value = setting.value
    if value is None:
        return "left alone"
    if callable(value):
        return "as asked for"
    return (
        ("on" if value else "off")
        if isinstance(value, bool)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def _bounds(setting: Setting) -> str:
    if isinstance(setting.kind, Words):
        return ", ".join(setting.kind.words)
    if isinstance(setting.kind, Switch):
        return "on, off"
    return f"{setting.kind.least:g} to {setting.kind.most:g}" if isinstance(setting.kind, Number) else ""


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
