"""Compiled kernels are kept on disk, and compiled anew when any file of kernels has changed.

numba looks at the file of the kernel alone. What other files lend to it, it would go on using as they were: results
would silently come from code that is not there any more. So what is kept is known by the text of all these files.
"""

import hashlib
from pathlib import Path
from typing import Any

from numba.core.caching import CacheImpl  # since numba 0.47; what it is asked for is what its own locators do

from .loading import load

PACKAGE = Path(__file__).resolve().parent.parent
LENDING_NOTHING = "emulation"
"""No kernel takes a function or a constant from there."""
_LOCATORS: Any = CacheImpl._locator_classes
_NUMBAS = [each for each in _LOCATORS if each.__module__ != __name__]


def stamp_of(folder: Path) -> str:
    """Return a digest of the text of all modules in a folder but those of `LENDING_NOTHING`."""
    digest = hashlib.sha256()
    for path in _modules(folder, LENDING_NOTHING):
        text = path.read_bytes()
        digest.update(f"{path.relative_to(folder)} {len(text)}\n".encode() + text)
    return digest.hexdigest()


def _modules(folder: Path, without: str = "") -> list[Path]:
    """Return all modules in a folder, in a fixed order, but those of one folder in it, which is not looked through."""
    inside = sorted(folder.iterdir())
    found = [path for path in inside if path.suffix == ".py"]
    return found + [path for each in inside if each.name != without and each.is_dir() for path in _modules(each)]


class Locator:
    """Finds the place on disk for a kernel of this package, as numba does, and stamps it by all kernels' text."""

    package, stamp = PACKAGE, stamp_of(PACKAGE)

    @classmethod
    def from_function(cls, function: Any, file: str) -> Any:
        """Return numba's own locator with our stamp; None for the functions of others, or where there is no place."""
        if cls.package not in Path(file).resolve().parents:
            return None
        places = (each.from_function(function, file) for each in _NUMBAS)
        found = next((each for each in places if each is not None), None)
        if found is not None:
            found.get_source_stamp = lambda: cls.stamp
        return found


load()
_LOCATORS[:] = [Locator, *_NUMBAS]  # instead of what this module left when it was imported before

KEPT: Any = {"cache": True}
"""For `numba.njit`: keep what is compiled on disk."""
WITHIN: Any = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""For functions that only kernels call: compile nothing by which Python or C would call them."""
