import gzip
import struct

import numpy as np
import pytest

from crossbar_hil.errors import DataError
from crossbar_hil.spiking.tasks.images import digits, halve, mnist, read_idx


def idx(array):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


@pytest.fixture
def folder(tmp_path):
    """Six training and four test images of 4 x 4 pixels, one part gzipped."""
    pixels = np.arange(10 * 16).reshape(10, 4, 4)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(pixels[:6]))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.array([5, 0, 4, 5, 5, 0])))
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(pixels[6:])))
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.array([0, 5, 4, 4]))))
    return tmp_path


def test_the_shipped_digits_are_the_ones_of_the_source():
    split = digits()
    assert (len(split.train), len(split.test)) == (1197, 600)
    # Class counts of optdigits.tes as its documentation (optdigits.names) gives them.
    counts = np.bincount(split.train.labels) + np.bincount(split.test.labels)
    assert counts.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert split.train.intensities.shape == (1197, 64)
    # First line of the source: 0,0,5,13,9,1,0,0,... of class 0.
    assert (split.train.intensities[0, :8] * 16).tolist() == [0, 0, 5, 13, 9, 1, 0, 0]
    assert split.train.labels[0] == 0


def test_no_test_digit_is_a_training_digit():
    split = digits()
    seen = {image.tobytes() for image in split.train.intensities}
    assert not any(image.tobytes() in seen for image in split.test.intensities)


def test_only_the_classes_asked_for_are_returned():
    split = digits((7, 3))
    assert set(split.train.labels) == set(split.test.labels) == {3, 7}


def test_idx_files_are_read_plain_and_gzipped(folder):
    split = mnist(folder)
    assert split.train.labels.tolist() == [5, 0, 4, 5, 5, 0]
    assert split.test.labels.tolist() == [0, 5, 4, 4]
    assert (split.train.intensities[0] * 255).tolist() == [0, 2, 8, 10]


def test_a_range_of_training_images_counts_before_classes_are_chosen(folder):
    split = mnist(folder, (0, 5), train=3)
    assert split.train.labels.tolist() == [5, 0]
    assert split.test.labels.tolist() == [0, 5]


def test_area_means_of_two_by_two_pixels(folder):
    split = mnist(folder, resize="area")
    np.testing.assert_allclose(split.train.intensities[0] * 255, [2.5, 4.5, 10.5, 12.5])


def test_a_class_without_images_is_refused(folder):
    with pytest.raises(DataError, match="there is no image of class 9 among 6 images"):
        mnist(folder, (5, 9))


def test_a_missing_file_is_named(folder):
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match=r"holds neither t10k-labels-idx1-ubyte nor t10k-labels-idx1-ubyte\.gz"):
        mnist(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with '', expected '00000801' and sizes"),
        (idx(np.zeros((2, 2, 2))), "begins with '00000803', expected '00000801'"),
        (idx(np.zeros(5))[:-1], r"holds 4 bytes of data, expected 5 for \(5,\)"),
        (idx(np.zeros(5)) + b"x", r"holds 6 bytes of data, expected 5 for \(5,\)"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_refused(tmp_path, content, message):
    path = tmp_path / "labels"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_idx(path, 1)


def test_a_damaged_gzip_file_is_refused(tmp_path):
    path = tmp_path / "labels.gz"
    path.write_bytes(gzip.compress(idx(np.zeros(100)))[:-9])
    with pytest.raises(DataError, match="cannot be read"):
        read_idx(path, 1)


def test_images_of_odd_size_cannot_be_halved():
    with pytest.raises(DataError, match="images of 3 x 4 pixels cannot be halved"):
        halve(np.zeros((1, 3, 4), np.uint8))
