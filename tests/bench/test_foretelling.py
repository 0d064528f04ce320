from importlib import resources

import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.foretelling import epoch_reads
from crossbar_hil.errors import ConfigError


@pytest.fixture
def with_scheme(tmp_path):
    """Write the emulated bench with more keys in its scheme."""
    text = (resources.files("crossbar_hil.data") / "benches" / "emulated.toml").read_text(encoding="utf-8")

    def write(keys):
        (tmp_path / "bench.toml").write_text(text.replace("[scheme]", f"[scheme]\n{keys}"), encoding="utf-8")
        return str(tmp_path / "bench.toml")

    return write


def test_how_an_epoch_is_read_is_told_with_the_readings_and_the_noise_of_both_ways(with_scheme):
    # 88 readings are counted in docs/bench.md, 3 x 16 by hand; four rows leave sqrt(4 / 2) times the noise.
    assert epoch_reads(load_bench("emulated")) == (
        "by pattern: 88 readings, where by cell it is 48 with 1.41 times the noise of the meter in a pattern's current"
    )
    assert epoch_reads(load_bench(with_scheme('read_by = "cell"\nzero_every = 5'))) == (
        "by cell, as the bench file says: 48 readings, where by pattern it is 88 with 0.707 times the noise of the "
        "meter in a pattern's current; a zero reading serves 5 batches"
    )
    assert epoch_reads(load_bench("simulated")) == ""


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ('read_by = "row"', "scheme.read_by = 'row' must be 'pattern' or 'cell'"),
        ("zero_every = 0", "scheme.zero_every = 0 must be at least 1"),
        ("zero_every = 1.5", "scheme.zero_every: 1.5 is not a whole number"),
    ],
)
def test_another_way_of_reading_is_refused_by_its_key(with_scheme, key, sentence):
    with pytest.raises(ConfigError) as caught:
        load_bench(with_scheme(key))
    assert sentence in str(caught.value), str(caught.value)
