"""Every field of every table, given what it cannot be: told in the house's words, never in those of the library."""

import datetime
import itertools
import re

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from crossbar_hil.bench import file
from crossbar_hil.errors import ConfigError
from crossbar_hil.quantities import whole
from crossbar_hil.studies.settings import CHIPS, find_key
from crossbar_hil.tables import Table, problems_of
from crossbar_hil.twins import file as twins

EVERYTHING = (*vars(file).values(), *vars(twins).values())
MODELS = [each for each in EVERYTHING if isinstance(each, type) and issubclass(each, BaseModel) and each.model_fields]
WRONG = [
    *("abc", "", "2.5", "-1", "nan", "inf", "5 V", "3 ohm", "10 %", "1\x00", "x" * 1000),
    *(True, 1.5, -1, 0, 7, 1e300, 10**400, float("nan"), float("inf"), datetime.date(2020, 1, 1)),
    *([], [1], ["a"], [True], [1.0, "x"], [[1, 2]], [[0, 0, 0]], [["a", "b"]], [[0.5, 1]], {}, {"a": 1}, {"b": [1]}),
]
OF_THE_LIBRARY = re.compile(
    r"[Ii]nput|should|valid|[Uu]nable|pars|instance|function|lambda|integer|boolean|string|tuple|dict|class|error"
    r"|\b(int|float|str|list\[.*)\b|True|False|None|datetime"
)
"""What pydantic's sentences and Python's names of values are made of."""


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_whatever_stands_in_a_field_the_sentence_names_it_in_plain_words(model):
    seen = 0
    for (name, field), value in itertools.product(model.model_fields.items(), WRONG):
        key = field.alias or name
        try:
            model.model_validate({key: value})
        except ValidationError as error:
            told = [each for each in problems_of(error) if each.startswith(key) and not each.endswith("missing")]
            seen += len(told)
            for each in told:
                assert not OF_THE_LIBRARY.search(each.replace(key, "")), each
                assert len(each) < 350, each
                assert each.isprintable(), each
    assert seen > len(model.model_fields)


def test_whatever_is_typed_after_set_is_refused_in_plain_words():
    seen = 0
    texts = [each for each in WRONG if isinstance(each, str)]
    for table, text in itertools.product(CHIPS, texts):
        for name in set(table.model.model_fields) - table.not_single:
            told = refusal_of(find_key(f"{table.name}.{name}"), text)
            seen += bool(told)
            assert not OF_THE_LIBRARY.search(told.replace(name, "")), told
            assert told.startswith(name if told else ""), told
    assert seen > 300


def refusal_of(key, text):
    try:
        key.read(text)
    except ConfigError as error:
        return str(error)
    return ""


def test_a_finding_of_a_kind_that_no_table_has_yet_is_still_told_with_its_key():
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(dict[str, bytes]).validate_python({"a": 1})
    assert problems_of(caught.value) == ["a: Input should be a valid bytes"]


@pytest.mark.parametrize(
    ("text", "number"),
    [("1e3", 1000), ("48", 48), (48.0, 48), (" 7 ", 7), ("12345678901234567890", 12345678901234567890)],
)
def test_a_whole_number_may_be_written_with_an_exponent(text, number):
    assert whole(text) == number
    assert isinstance(whole(text), int)


@pytest.mark.parametrize("text", ["2.5", "1e-3", "", "inf", True, 0.1, [1], None, "1e999"])
def test_what_is_no_whole_number_is_refused(text):
    with pytest.raises(ConfigError, match="is not a whole number, such as 48"):
        whole(text)


def test_what_stands_in_a_list_is_counted_from_one():
    class Cells(Table):
        cells: list[tuple[int, int]]

    with pytest.raises(ValidationError) as caught:
        Cells(cells=[(1, 2), (1, "b")])
    assert problems_of(caught.value) == ["cells, entry 2, entry 2: 'b' must be a whole number"]
