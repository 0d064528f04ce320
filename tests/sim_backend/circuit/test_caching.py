"""What is kept on disk of a kernel is not used any more once a file that lends something to it has changed."""

import importlib
import sys

import pytest
from numba.core.caching import CacheImpl

from crossbar_hil.sim_backend.circuit.caching import PACKAGE, Locator, stamp_of

LENT = "import numba\n\n\n@numba.njit\ndef lent(x):\n    return x + {}\n"
KERNEL = "import numba\nfrom lending import lent\n\n\n@numba.njit(cache=True)\ndef kernel(x):\n    return lent(x)\n"


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """Two modules in a folder of their own; the kernel, imported anew with the stamp of the folder as it is now."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(Locator, "package", tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "borrowing.py").write_text(KERNEL)

    def again(number):
        (tmp_path / "lending.py").write_text(LENT.format(number))
        monkeypatch.setattr(Locator, "stamp", stamp_of(tmp_path))
        for name in ("lending", "borrowing"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        return importlib.import_module("borrowing").kernel

    yield again
    for name in ("lending", "borrowing"):
        sys.modules.pop(name, None)


def test_a_kernel_is_taken_from_disk_until_what_is_lent_to_it_changes(kernel):
    first = kernel(1)
    assert first(1) == 2
    same = kernel(1)
    assert same(1) == 2
    assert same.stats.cache_hits
    other = kernel(2)
    assert other(1) == 3
    assert not other.stats.cache_hits


def test_the_stamp_is_of_the_text_of_all_modules_that_may_lend_something_and_of_their_places(tmp_path):
    for folder in ("inner", "emulation"):
        (tmp_path / folder).mkdir()
    (tmp_path / "inner" / "kernel.py").write_text("import numba\n")
    before = stamp_of(tmp_path)
    (tmp_path / "emulation" / "model.py").write_text("import numba\n")
    assert stamp_of(tmp_path) == before
    (tmp_path / "sizes.py").write_text("LANES = 16\n")  # a constant is compiled in
    assert stamp_of(tmp_path) != before
    (tmp_path / "sizes.py").unlink()
    (tmp_path / "inner" / "kernel.py").rename(tmp_path / "kernel.py")
    assert stamp_of(tmp_path) != before


def test_every_kernel_of_the_package_is_kept_in_this_way():
    texts = {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py") if path.name != "caching.py"}
    assert [path for path, text in texts.items() if "cache=True" in text or '"cache"' in text] == []


def test_a_module_that_is_imported_anew_takes_the_place_of_the_one_before(monkeypatch):
    before = list(CacheImpl._locator_classes)
    monkeypatch.delitem(sys.modules, Locator.__module__)
    try:
        again = importlib.import_module(Locator.__module__)
        ours = [each for each in CacheImpl._locator_classes if each.__module__ == Locator.__module__]
        assert ours == CacheImpl._locator_classes[:1] == [again.Locator]
        assert again.Locator.from_function(again.stamp_of, again.__file__).get_source_stamp() == Locator.stamp
    finally:
        CacheImpl._locator_classes[:] = before
