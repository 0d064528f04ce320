"""What can go wrong, as one tree.

::

    CrossbarError
    ├── ConfigError (ValueError)      a bench file, a preset or an option is wrong; nothing was opened
    ├── DataError (ValueError)        an array, a curve or a pattern file is wrong; nothing was sent
    ├── RunError                      a run folder cannot be made, found or read
    └── BackendError                  the device could not do it
        ├── LimitError (ValueError)   refused before anything was sent; the chip is as it was
        ├── ChipStateUnknown          an earlier failure left the chip's state unknown; nothing was sent
        ├── ComplianceError           a source reached its current limit, so a line was not at the voltage asked for
        └── InstrumentError           an instrument refused, or is not as it was set
            └── TransportError        an exchange with an instrument failed; whether it was carried out is open
                ├── DeadlineError     no whole answer in time
                ├── ConnectionLost    the other side is gone, or was never there
                └── GarbledReply      an answer that cannot be the one asked for

Every message is one sentence that names the thing, the value and the bound.
Saturated cells and training that does not converge are results, not errors.
"""

from collections.abc import Sequence


class CrossbarError(Exception):
    """Anything this package raises on purpose."""


class ConfigError(CrossbarError, ValueError):
    """A bench file, a preset or an option is wrong; nothing was opened.

    Parameters
    ----------
    message : str
        Everything that is wrong, in one line.
    problems : sequence of str
        The same, one by one.
    """

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems) or (message,)


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


class ComplianceError(BackendError):
    """A source reached its current limit, so a line was not at the voltage asked for; the reading was thrown away."""


class InstrumentError(BackendError):
    """An instrument reported an error, refused a setting, or is not as it was set."""


class TransportError(InstrumentError):
    """An exchange with an instrument failed; whether the command was carried out is open."""


class DeadlineError(TransportError):
    """No whole answer came before the deadline; a late one is thrown away when the session is opened again."""


class ConnectionLost(TransportError):  # noqa: N818 - it names what happened
    """The other side closed the connection, refused it, or was never there."""


class GarbledReply(TransportError):  # noqa: N818 - it names what happened
    """An answer that cannot be the one asked for: not decodable, cut short, or of the wrong form."""
