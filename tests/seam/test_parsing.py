"""Small files that once took minutes or gigabytes, and what must still be read."""

import gzip
import json
import tomllib

import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.start_map import read_map
from crossbar_hil.errors import ConfigError, DataError
from crossbar_hil.parsing import MOST_DEEP, MOST_TOML, parse_json, parse_toml
from crossbar_hil.shipped import read_bytes
from crossbar_hil.spiking.tasks import images
from crossbar_hil.twins.file import read_twin

SIZE = 100_000
"""Of the file of dots that took 46 s and 9.8 GB."""
DEEP = {
    "dots in a key": "a" + ".a" * (SIZE // 2) + " = 1",
    "dots with blanks": "a" + " . a" * (SIZE // 4) + " = 1",
    "dots in the name of a table": "[a" + ".a" * (SIZE // 2) + "]",
    "dots in an array of tables": "[[a" + ".a" * (SIZE // 2) + "]]",
    "dots between quotes": '""' + '.""' * (SIZE // 3) + " = 1",
    "dots between single quotes": "''" + ".''" * (SIZE // 3) + " = 1",
    "dots in an inline table": "x = {a" + ".a" * (SIZE // 2) + " = 1}",
    "arrays": "x = " + "[" * SIZE,
    "whole arrays": "x = " + "[" * 17 + "]" * 17,
    "inline tables": "x = " + "{a = " * (SIZE // 5),
    "both": "x = " + "[{a = " * (SIZE // 6),
    "after a string": 'x = "\\"" \ny' + ".y" * (SIZE // 2) + " = 1",
    "after quotes at the end of a string": """x = '''a'''' # ''''\ny""" + ".y" * (SIZE // 2) + " = 1",
    "after double quotes at the end of one": 'x = """a"""" # """"\ny' + ".y" * (SIZE // 2) + " = 1",
    "after a comment": '# """\ny' + ".y" * (SIZE // 2) + " = 1",
}
NOT_DEEP = {
    "a string of dots": f'x = "{"a." * 1000}"',
    "a long string": f'x = """\n{"a.b.[[" * 1000}"""',
    "a literal string": f"x = '''\n{'a.b.{{' * 1000}'''",
    "quotes at the end of a string": f"""x = ['''a''''', \"{"a." * 1000}\", '''''']""",
    "an escaped quote": r'x = "\"' + "a." * 1000 + '"',
    "a comment": "# " + "a." * 1000 + "\nx = 1",
    "numbers": f"x = [{'0.5, ' * 1000}]",
    "as deep as it may be": "x = " + "[" * MOST_DEEP + "]" * MOST_DEEP,
    "a key as long as it may be": "a" + ".a" * (MOST_DEEP - 1) + " = 1",
    "many keys": "".join(f"k{each}.x.y = 1\n" for each in range(1000)),
    "many tables": "".join(f"[k{each}.x]\n" for each in range(1000)),
}
ENDLESS = ['x = "' + "a" * SIZE, "x = '" + "a" * SIZE, 'x = """' + "a" * SIZE, 'x = """\\"' * (SIZE // 8), "a" * SIZE]


@pytest.mark.fault("F13")
@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_what_nests_too_deep_is_refused_before_it_is_parsed(text, monkeypatch):
    monkeypatch.setattr(tomllib, "loads", lambda _: pytest.fail("it was parsed"))
    with pytest.raises(tomllib.TOMLDecodeError, match=r"nests deeper than 16 levels in line \d$"):
        parse_toml(text)


@pytest.mark.parametrize("text", NOT_DEEP.values(), ids=NOT_DEEP)
def test_what_only_looks_deep_is_read_as_it_is(text):
    assert parse_toml(text) == tomllib.loads(text)


@pytest.mark.parametrize("text", ENDLESS, ids=range(len(ENDLESS)))
def test_what_has_no_end_is_no_toml(text):
    # A time that grows with the square of the length would be noticed here.
    with pytest.raises(tomllib.TOMLDecodeError):
        parse_toml(text)


def test_a_number_of_thousands_of_digits_is_no_toml():
    with pytest.raises(tomllib.TOMLDecodeError):
        parse_toml("x = " + "1" * 5000)


@pytest.mark.fault("F13", "V22")
def test_every_file_of_toml_is_read_within_the_bounds(tmp_path, cli):
    file = tmp_path / "deep.toml"
    file.write_text(DEEP["dots in a key"], encoding="utf-8")
    with pytest.raises(ConfigError, match=r"deep\.toml is not valid TOML: it nests deeper than 16 levels in line 1"):
        load_bench(str(file))
    with pytest.raises(DataError, match=r"deep\.toml is not valid TOML: it nests deeper"):
        read_twin(file)
    file.write_text("#" * (MOST_TOML + 1), encoding="utf-8")
    refused = cli("check", file)
    assert (refused.code, refused.out.count("\n")) == (1, 1)
    assert "it has 1,048,577 characters, at most 1,048,576 are read" in refused.out


@pytest.mark.fault("F13")
def test_json_that_nests_too_deep_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(ValueError, match="nests too deep"):
        parse_json("[" * SIZE)
    file = tmp_path / "map.json"
    file.write_text('{"conductance_siemens": ' + "[" * SIZE, encoding="utf-8")
    with pytest.raises(DataError, match="nests too deep"):
        read_map(file, what="map")
    file.write_text(json.dumps({"conductance_siemens": [[1e-6]]}), encoding="utf-8")
    assert read_map(file, what="map").tolist() == [[1e-6]]


@pytest.mark.fault("F13")
def test_a_file_is_read_whole_only_up_to_a_bound(tmp_path, monkeypatch):
    monkeypatch.setattr("crossbar_hil.shipped.MOST_BYTES", 1000)
    file = tmp_path / "curve.csv"
    file.write_bytes(b"1" * 1000)
    assert len(read_bytes("curve", file)) == 1000
    file.write_bytes(b"1" * 1001)
    with pytest.raises(DataError, match=r"curve\.csv has more than 1,000 bytes"):
        read_bytes("curve", file)


@pytest.mark.fault("F13")
def test_a_small_file_that_unpacks_to_a_large_one_is_not_unpacked_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "MOST_BYTES", 1000)
    file = tmp_path / "images.gz"
    file.write_bytes(gzip.compress(bytes((0, 0, 8, 1)) + (10**7).to_bytes(4, "big") + bytes(10**7)))
    with pytest.raises(DataError, match="holds 993 bytes of data, expected 10000000"):
        images.read_idx(file, 1)
