import json
import random

import pytest

from crossbar_hil import load_run
from crossbar_hil.bench.calibrating import plan_calibration
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.errors import ConfigError
from crossbar_hil.quantities import kelvin
from crossbar_hil.results.conditions import Conditions, orcid

PUBLISHED = ("0000-0002-1825-0097", "0000-0001-5109-3700", "0000-0002-1694-233X", "0000-0002-9079-593X")
"""iDs that ORCID's own support pages print as examples."""
GIVEN = {
    "operator": "Josiah Carberry",
    "orcid": "0000-0002-1825-0097",
    "institution": "Brown University",
    "project": "PSY-1",
    "sample": "wafer 3, die B2",
    "temperature": "25 degC",
    "atmosphere": "air, 45 % relative humidity",
}


@pytest.mark.parametrize("known", PUBLISHED)
def test_published_identifiers_are_taken_and_none_with_one_character_changed_or_two_neighbours_swapped(known):
    assert (
        orcid(f"HTTPS://WWW.ORCID.org/{known.lower()}/")
        == orcid(f"https://orcid.org/{known}")
        == orcid(known.replace("-", "").lower())
        == known
    )
    digits = known.replace("-", "")
    wrong = {digits[:at] + new + digits[at + 1 :] for at in range(16) for new in "0123456789X"}
    wrong |= {digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :] for at in range(15)}
    for each in sorted(wrong - {digits}):
        with pytest.raises(ConfigError, match="no ORCID iD"):
            orcid(each)


def test_the_last_character_makes_the_sum_of_the_definition_one():
    draw = random.Random(1)
    for _ in range(200):
        digits = "".join(str(draw.randrange(10)) for _ in range(15))
        # ISO/IEC 7064: the characters, weighted with powers of 2 from the right, are congruent to 1 modulo 11
        (fits,) = [
            last
            for last in "0123456789X"
            if sum("0123456789X".index(each) * 2**power for power, each in enumerate(reversed(digits + last))) % 11 == 1
        ]
        assert orcid(digits + fits).replace("-", "") == digits + fits


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("25 degC", 298.15),
        ("-40°C", 233.15),
        ("25 C", 298.15),
        ("77 K", 77.0),
        ("20 mK", 0.02),
        (4.2, 4.2),
        (300, 300.0),
    ],
)
def test_a_temperature_is_kept_in_kelvin(text, expected):
    assert kelvin(text) == pytest.approx(expected, rel=1e-14)
    assert Conditions.of({"temperature_k": text}).temperature_k == kelvin(text)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"temperature_k": "25"}, "temperature_k: '25' is not a temperature with its unit, such as '25 degC'"),
        ({"temperature_k": "25 V"}, "'25 V' is not a temperature"),
        ({"temperature_k": True}, "true is not a temperature"),
        ({"temperature_k": [1]}, r"\[1\] is not a temperature"),
        ({"temperature_k": "-300 degC"}, "'-300 degC' must be above 0 K, and at most 1687 K"),
        ({"temperature_k": 2000.0}, "2000.0 must be above 0 K, and at most 1687 K"),
        ({"temperature_k": float("nan")}, "nan must be above 0 K"),
        ({"orcid": "0000-0002-1825-0098"}, "its last digit does not fit"),
        ({"orcid": "\u0660\u0660\u0660\u0660-0002-1825-0097"}, "is no ORCID iD"),
        ({"orcid": 5}, "orcid = 5 must be text"),
        ({"operator": " "}, "operator: must not be empty: leave out what is not known"),
        ({"sample": "a\nb"}, "must be one line of text"),
        ({"operatr": "x"}, "unknown key operatr; did you mean 'operator'"),
    ],
)
def test_what_cannot_be_is_one_sentence(given, told):
    with pytest.raises(ConfigError, match=told):
        Conditions.of(given)
    with pytest.raises(ConfigError, match="conditions"):
        load_bench("simulated", overrides={"conditions": given})


def test_nothing_is_known_that_nobody_said():
    assert set(Conditions().model_dump().values()) == {None}
    assert load_bench("simulated").conditions == Conditions()


def options(given):
    return [word for name, value in given.items() for word in (f"--{name}", value)]


@pytest.mark.parametrize("verb", ["train", "snn train --bench simulated", "snn train --train 10 --classes 0,1"])
def test_every_condition_of_the_command_line_is_kept_with_the_run(verb, cli):
    assert {*GIVEN} == {name.removesuffix("_k") for name in Conditions.model_fields}
    done = cli(*verb.split(), "--seed", "1", "--quiet", "--no-report", *options(GIVEN))
    assert done.code in (0, 3), done.err
    run = load_run(json.loads(cli("show", "latest", "--json").out)["run"])
    expected = {**GIVEN, "temperature_k": 298.15}
    del expected["temperature"]
    assert run.conditions == expected


def test_what_is_measured_without_a_training_holds_them_too(cli, tmp_path, unpictured):
    said = {**GIVEN, "sample": "relaxation: 5 %"}
    lines = "".join(f'{name} = "{value}"\n' for name, value in said.items()).replace("temperature =", "temperature_k =")
    (tmp_path / "b.toml").write_text(f'backend = "simulated"\n[chip]\n[conditions]\n{lines}', encoding="utf-8")
    expected = load_bench(tmp_path / "b.toml").conditions.said
    assert json.loads(cli("read", "b.toml", "--json").out)["conditions"] == expected
    assert "conditions" not in json.loads(cli("read", "simulated", "--json").out)
    assert cli("characterise", "b.toml", "--seed", "1", "--cell", "1", "1", "--pulses", "2", "--to", "c.csv").code == 0
    text = (tmp_path / "c.csv").read_text(encoding="utf-8")
    (told,) = [line for line in text.splitlines() if line.startswith("# conditions: ")]
    assert told.split("; ")[4:6] == ["sample relaxation: 5 %", "temperature_k 298.15 K"]
    chip = load_bench("simulated", overrides={"chip": {"curve": str(tmp_path / "c.csv")}}).chip
    assert chip.relaxation == 0  # what a person called the sample is no fact of the curve
    plan = plan_calibration(load_bench(tmp_path / "b.toml"), pulses=1, reads=2, read_v=0.1)
    with open_backend(plan.bench, seed=1) as backend:
        assert plan.facts(backend, 1)["conditions"] == expected


def test_what_the_command_line_says_is_laid_over_the_bench_file_key_by_key(tmp_path):
    file = tmp_path / "bench.toml"
    file.write_text('backend = "simulated"\n[conditions]\noperator = "A"\ntemperature_k = 300\n', encoding="utf-8")
    found = load_bench(file, overrides={"conditions": {"operator": "B"}}).conditions
    assert (found.operator, found.temperature_k) == ("B", 300.0)
    copied = load_bench(file)
    (tmp_path / "copy").mkdir()
    copied.copy_into(tmp_path / "copy")
    assert load_bench(tmp_path / "copy" / "bench.toml").conditions == copied.conditions
