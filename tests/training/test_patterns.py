"""Pattern files."""

from importlib import resources
from itertools import product

import pytest

from crossbar_hil.errors import DataError
from crossbar_hil.training.patterns import PatternSet

HEADER = "pattern,label,set\n"


@pytest.fixture
def read(tmp_path):
    def reader(text, encoding="utf-8"):
        file = tmp_path / "task.csv"
        file.write_bytes(text.encode(encoding) if isinstance(text, str) else text)
        return PatternSet.from_csv(file)

    return reader


def shipped():
    return PatternSet.from_csv(resources.files("crossbar_hil.data") / "perceptron.csv")


def test_the_shipped_set_trains_on_the_six_patterns_of_the_reference_study():
    patterns = shipped()
    pairs = dict(zip(map(tuple, patterns.train.tolist()), map(tuple, patterns.train_labels.tolist()), strict=True))
    assert pairs == {
        (0, 0, 0, 1): (0, 1),
        (0, 0, 1, 0): (1, 0),
        (0, 1, 1, 0): (1, 0),
        (1, 0, 0, 1): (0, 1),
        (1, 1, 0, 1): (0, 1),
        (1, 1, 1, 0): (1, 0),
    }


def test_the_shipped_set_tests_on_the_ten_others():
    patterns = shipped()
    everything = [tuple(bits) for bits in (*patterns.train.tolist(), *patterns.test.tolist())]
    assert sorted(everything) == list(product((0, 1), repeat=4))


def test_the_label_of_a_test_pattern_is_that_of_the_one_ideal_pattern_at_distance_one():
    ideals = {(0, 1, 1, 0): [1, 0], (1, 0, 0, 1): [0, 1]}
    patterns = shipped()
    for bits, label in zip(patterns.test.tolist(), patterns.test_labels.tolist(), strict=True):
        near = [
            wanted for ideal, wanted in ideals.items() if sum(a != b for a, b in zip(bits, ideal, strict=True)) == 1
        ]
        assert label == (near[0] if len(near) == 1 else [0, 0])


def test_patterns_without_a_test_set_have_an_empty_one(read):
    patterns = read(HEADER + "010,1,train\n")
    assert patterns.test.shape == (0, 3)
    assert patterns.test_labels.shape == (0, 1)


@pytest.mark.parametrize(
    "text",
    [
        "# a comment\n\npattern,label,set\n01,1,train\n# another\n10,0,test\n",
        "Pattern , Label, SET\n 01 , 1 , train \n10,0,test\n",
        "pattern,label,set\r\n01,1,train\r\n10,0,test\r\n",
        "\ufeffpattern,label,set\n01,1,train\n10,0,test",
    ],
    ids=["comments", "blanks", "crlf", "bom"],
)
def test_comments_blanks_and_line_ends_do_not_matter(read, text):
    patterns = read(text)
    assert (patterns.train.tolist(), patterns.train_labels.tolist()) == ([[0, 1]], [[1]])
    assert (patterns.test.tolist(), patterns.test_labels.tolist()) == ([[1, 0]], [[0]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must start with the header pattern,label,set"),
        ("01,1,train\n", "must start with the header pattern,label,set, not '01,1,train'"),
        (HEADER, "holds no pattern of the set train"),
        (HEADER + "01,1,test\n", "holds no pattern of the set train"),
        (HEADER + "01,1\n", "line 2: 2 columns, expected 3"),
        (HEADER + "# note\n01,1,train,x\n", "line 3: 4 columns, expected 3"),
        (HEADER + "02,1,train\n", "line 2: pattern '02' must be bits such as 0110"),
        (HEADER + ",1,train\n", "line 2: pattern '' must be bits"),
        (HEADER + "01,x,train\n", "line 2: label 'x' must be bits"),
        (
            HEADER + "1,1,train\n10,10,train\n1101,1,train\n",
            "line 2: pattern '1' has 1 of 4 bits and none in the file begins with 0, so zeros in front were lost",
        ),
        (HEADER + "1001,10,train\n1101,1,train\n", "line 3: label '1' has 1 of 2 bits and none in the file begins"),
        (HEADER + "01,1,train\n011,1,train\n", "line 3: 3 pattern bits and 1 label bits, expected 2 and 1"),
        (HEADER + "01,1,train\n\n10,01,test\n", "line 4: 2 pattern bits and 2 label bits, expected 2 and 1"),
        (HEADER + "01,1,valid\n", "line 2: set 'valid' is neither train nor test"),
    ],
)
def test_a_wrong_line_is_refused_with_its_number(read, text, message):
    with pytest.raises(DataError) as refusal:
        read(text)
    assert message in str(refusal.value)
    assert "task.csv" in str(refusal.value)


def test_a_binary_file_is_refused(read):
    with pytest.raises(DataError, match="not a text file"):
        read(b"\x89PNG\xff\xfe\x00")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv cannot be read: No such file"):
        PatternSet.from_csv(tmp_path / "none.csv")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        PatternSet.from_csv(tmp_path)
