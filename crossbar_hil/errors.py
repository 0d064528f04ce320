"""What can go wrong, as one tree.

::

    CrossbarError
        ConfigError (ValueError), DataError (ValueError), BenchBusy
        RunError
            LedgerError, ReplayDiverged
            JournalError: JournalDamaged
        BackendError
            LimitError (ValueError), ChipStateUnknown, ComplianceError
            GuardError: Stopped, CellChanged, ImpossibleReading
            InstrumentError
                OverrangeError
                TransportError: DeadlineError, ConnectionLost, GarbledReply

Every message is one sentence that names the thing, the value and the bound.
Saturated cells and training that does not converge are results, not errors.
"""

import errno
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_LITTLE = 1 << 16
"""So few bytes free are none: SQLite takes as many to begin."""
_FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})


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


class JournalError(RunError):
    """A journal cannot be made or written; it is not trusted any more and nothing further may be sent."""


class JournalDamaged(JournalError):  # noqa: N818 - it names what happened
    """A journal is not what was written; nothing in it was guessed or mended."""


class LedgerError(RunError):
    """A dose ledger is damaged, belongs to another chip or cannot be written; nothing was sent."""


class BenchBusy(CrossbarError):  # noqa: N818 - it names what happened
    """Another process holds the bench; nothing was opened.

    Parameters
    ----------
    message : str
        Who holds it.
    pid : int, optional
        Its process number, as it wrote it down.
    place : Path, optional
        The file that it has locked.
    """

    def __init__(self, message: str, pid: int | None = None, place: Path | None = None) -> None:
        super().__init__(message)
        self.pid = pid
        self.place = place


class MissingExtra(CrossbarError):  # noqa: N818 - it names what is not there
    """A package is not installed that an extra of ours brings along."""


def install(extra: str) -> str:
    """Say how an extra is installed."""
    return f"pip install 'crossbar-hil[{extra}]', or in a checkout pip install -e '.[{extra}]'"


class ReplayDiverged(RunError):  # noqa: N818 - it names what happened
    """A resumed run asks for something else than its journal holds; nothing was sent."""


class BackendError(CrossbarError):
    """The device could not do what was asked."""


class GuardError(BackendError):
    """The guard of a bench ended, or was asked for what its state does not allow."""


class Stopped(GuardError):  # noqa: N818 - it names what happened
    """The guard was told to stop, by a person or because the trainer fell silent; the run can be resumed."""


class Declined(CrossbarError):  # noqa: N818 - it names what happened
    """Whoever was asked before a real chip is changed said no; no pulse was sent."""


class CellChanged(GuardError):  # noqa: N818 - it names what happened
    """A cell is not what it can have become since it was measured last; the reading is kept."""


class ShortSuspected(GuardError):  # noqa: N818 - it names what happened
    """The current inside a pulse is rather that of a chip with a short; every cell is read before any other pulse."""


class ImpossibleReading(GuardError):  # noqa: N818 - it names what happened
    """A reading that no cell can give, such as a conductance far below zero; it was not believed."""


class LimitError(BackendError, ValueError):
    """A request lies outside the limits; it was refused whole and nothing was sent."""


class ChipStateUnknown(BackendError):  # noqa: N818 - it names a state of the chip
    """An earlier failure left the chip's state unknown; no pulse is sent until it has been read again."""


class ComplianceError(BackendError):
    """A source reached its current limit, so a line was not at the voltage asked for; the reading was thrown away."""


class InstrumentError(BackendError):
    """An instrument reported an error, refused a setting, or is not as it was set."""


class Unconfirmed(InstrumentError):  # noqa: N818 - it names what happened
    """A person who was to move relays did not say that it is done; what is connected is not known."""


class OverrangeError(InstrumentError):
    """A current was beyond the range of its meter; the reading was thrown away."""


class TransportError(InstrumentError):
    """An exchange with an instrument failed; whether the command was carried out is open."""


class DeadlineError(TransportError):
    """No whole answer came before the deadline; a late one is thrown away when the session is opened again."""


class ConnectionLost(TransportError):  # noqa: N818 - it names what happened
    """The other side closed the connection, refused it, or was never there."""


class GarbledReply(TransportError):  # noqa: N818 - it names what happened
    """An answer that cannot be the one asked for: not decodable, cut short, or of the wrong form."""


@contextmanager
def writing_new(path: Path) -> Iterator[None]:
    """Raise a RunError where a new file cannot be written, or exists: that is never overwritten."""
    try:
        yield
    except FileExistsError as error:
        raise RunError(f"{path} exists already and is not overwritten") from error
    except OSError as error:
        raise RunError(f"{path} cannot be written: {reason_of(error)}") from error


def reason_of(error: BaseException, folder: Path | None = None) -> str:
    """Say why a file could not be written or read; of a full disk always the same words, whoever found it full.

    SQLite calls some of what a full disk does an error of input or output; with a folder it is looked at.

    >>> reason_of(OSError(28, "No space left on device"))
    'the disk is full: make room on it'
    """
    full = getattr(error, "errno", None) in _FULL or "disk is full" in str(error)  # the words of SQLite
    if full or ("I/O error" in str(error) and folder is not None and shutil.disk_usage(folder).free < _LITTLE):
        return "the disk is full: make room on it"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
