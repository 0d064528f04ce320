"""How a curve file is refused, or asked about: one sentence, and what was understood before it."""

from crossbar_hil.errors import DataError

from .options import Options


class CurveUnclear(DataError):  # noqa: N818 - it names what the file is
    """A curve file says less than is needed, or may mean two things; the message names the command that settles it.

    Parameters
    ----------
    message : str
        The sentence.
    understood : sequence of (str, str)
        What was understood before, by subject.
    readings : sequence of float
        The readings whose order is asked about, in siemens, if it came so far.
    """

    def __init__(
        self, message: str, understood: tuple[tuple[str, str], ...] = (), readings: tuple[float, ...] = ()
    ) -> None:
        super().__init__(message)
        self.understood, self.readings = understood, readings


class Asker:
    """Says in one place what file and options a sentence is about, and keeps what was understood so far."""

    def __init__(self, file: str, options: Options) -> None:
        self.file, self.options = file, options
        self.understood: list[tuple[str, str]] = []
        self.readings: tuple[float, ...] = ()

    def say(self, subject: str, text: str) -> None:
        """Note what was understood, once."""
        if (subject, text) not in self.understood:
            self.understood.append((subject, text))

    def question(self, text: str) -> CurveUnclear:
        """Return a sentence that names the option that settles it, to be raised."""
        return CurveUnclear(f"curve file {self.file}: {text}", tuple(self.understood), self.readings)

    def command(self, **more: object) -> str:
        """Return the command that settles more than the options do."""
        return self.options.command(self.file, **more)

    def refusal(self, text: str) -> CurveUnclear:
        """Return what is wrong with the file, to be raised."""
        return CurveUnclear(f"curve file {self.file} {text}", tuple(self.understood), self.readings)

    def refused_line(self, line: int, text: str) -> CurveUnclear:
        """Return what is wrong with a line, to be raised."""
        return CurveUnclear(f"curve file {self.file}, line {line}: {text}", tuple(self.understood), self.readings)
