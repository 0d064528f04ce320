"""What can go wrong, as one tree.

::

    CrossbarError
    ├── ConfigError (ValueError)      a bench file, a preset or an option is wrong; nothing was opened
    ├── DataError (ValueError)        an array, a curve or a pattern file is wrong; nothing was sent
    ├── RunError                      a run folder cannot be made, found or read
    └── BackendError                  the device could not do it
        ├── LimitError (ValueError)   refused before anything was sent; the chip is as it was
        └── ChipStateUnknown          an earlier failure left the chip's state unknown; nothing was sent

Every message is one sentence that names the thing, the value and the bound.
Saturated cells and training that does not converge are results, not errors.
"""


class CrossbarError(Exception):
    """Anything this package raises on purpose."""


class ConfigError(CrossbarError, ValueError):
    """A bench file, a preset or an option is wrong; nothing was opened."""


class DataError(CrossbarError, ValueError):
    """An array, a curve or a pattern file is wrong; nothing was sent."""


class RunError(CrossbarError):
    """A run folder cannot be made, found or read."""


class BackendError(CrossbarError):
    """The device could not do what was asked."""


class LimitError(BackendError, ValueError):
    """A request lies outside the limits; it was refused whole and nothing was sent."""


class ChipStateUnknown(BackendError):  # noqa: N818 - it names a state of the chip
    """An earlier failure left the chip's state unknown; no pulse is sent until it has been read again."""
