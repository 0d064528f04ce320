"""What the name of a column says: quantity, unit, what it is for, in some languages."""

import functools
import re
import unicodedata
from typing import NamedTuple

from .otherwise import meant_otherwise
from .units import Unit, unit


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


CURVES = ("conductance", "resistance", "current")
"""What a curve may be given as; the first that a file has is taken."""
_WORDS = {
    "conductance": "conductan conductivity condutân condutan conduttan leitwert leitfähigk geleid przewodno провод"
    " 电导 電導 コンダクタンス 전도",
    "resistance": "resist résist widerst weerstand opór oporność сопротивл 电阻 電阻 抵抗 저항",
    "current": "current strom courant corrent corrient stroom prąd ток сила 电流 電流 전류",
    "voltage": "voltage spannung tension tensión tensão tensione volt voltaje napięcie напряж spanning bias 电压 電圧"
    " 전압",
    "time": "time zeit temps tiempo tempo tijd czas timestamp elapsed delay wait время 时间 時間 시간",
}
"""Beginnings of words; those of Chinese, Japanese and Korean anywhere in a name."""
_SYMBOLS = {"G": "conductance", "R": "resistance", "I": "current", "V": "voltage", "U": "voltage", "t": "time"}
_AFTER_SYMBOL = (
    "LRS|HRS|READ|MEAS|ON|OFF|DS|MEM|CELL|LTP|LTD|POT|DEP|UP|DOWN|MAX|MIN|AVG|MEAN|TE|BE|PULSE|SET|RESET|P|SYN|WRITE"
)
_SYMBOL = re.compile(rf"([GRIVU])(?:{_AFTER_SYMBOL})?\d*", re.IGNORECASE)
_COUNTS = _listed(
    "pulse pulses puls pulsnummer pulszahl impuls impulse impulszahl impulsion impulsions impulsnummer pulso pulsos "
    "impulso impulsos impulsi impulsów impulsy импульс импульса импульсов pulsen puls# n no nr num number nummer "
    "numéro numero número count counter index idx step steps sample samples point points pt reading spike spikes "
    "num_pulses 脉冲 脈衝 パルス 序号 编号 次数 номер numer #"
)
_CYCLES = _listed(
    "cycle cycles cyc zyklus zyklen cyclus ciclo ciclos cicli cykl run runs rep reps repetition repetitions repeat "
    "trial trials sweep sweeps round iteration wiederholung wdh цикл 循环 サイクル"
)
_UP = _listed(
    "ltp potentiation potentiating potenzierung potenciación potenciacion potenciação potenziamento pot up rising "
    "rise increasing potentiate потенциация 增强 增強"
)
_DOWN = _listed(
    "ltd depression depressing depresión depresion depressão depressione dep down falling fall decreasing depress "
    "депрессия 抑制"
)
_WIDTH = _listed("width duration breite dauer durée largeur ancho duración larghezza durata ton t_on pulsbreite 宽度")
_WRITING = _listed(
    "pulse puls impuls amplitude amp prog program programming write writing set stim spike on vp vpulse vset vwrite "
    "vprog 脉冲"
)
_READING = _listed("read vread vr iread reading meas measured lese lesespannung lecture lectura lettura sense")
_ASIDE = _listed(
    "std sd stdev sigma error err uncertainty deviation delta δ change log ln log10 norm normalized normalised ratio "
    "compliance limit variance ± fehler unsicherheit"
)
_FACTOR = re.compile(r"\d[eE][+-]?\d|10\s*(\^|\*\*|[-−+]\s*\d)|[×*·]\s*\d")
_UNDERSTOOD = {*_COUNTS, *_CYCLES, *_UP, *_DOWN, *_WIDTH, *_WRITING, *_READING, *_ASIDE}
LONGEST = 200
"""Characters of a name that are looked at."""


class Name(NamedTuple):
    """What a name of a column says; None where it says nothing."""

    text: str
    quantity: str | None = None
    unit: Unit | None = None
    unknown_unit: str | None = None
    """What stands in brackets and is no unit that is known here."""
    counts: bool = False
    cycle: bool = False
    way: str | None = None
    """``up`` or ``down``: potentiation or depression."""
    width: bool = False
    writing: bool = False
    reading: bool = False
    strange: bool = False
    """Whether a word of it was not understood, which may be a unit."""
    aside: bool = False
    """An uncertainty, a logarithm or something else that is no curve."""
    meant: str | None = None
    """Which of them, as `meant_otherwise` tells."""

    @property
    def says_something(self) -> bool:
        """Whether any word of it was understood."""
        return bool(self.quantity or self.unit or self.counts or self.cycle or self.way or self.width or self.writing)


@functools.lru_cache
def read_name(text: str) -> Name:
    """Return what the name of a column says.

    >>> read_name("Leitwert (µS)")[:3]
    ('Leitwert (μS)', 'conductance', Unit(quantity='conductance', factor=1e-06, text='μS'))
    >>> read_name("meas_v").unit.quantity, read_name("Index").quantity, read_name("ILRS").quantity
    ('voltage', None, 'current')
    """
    text = " ".join(unicodedata.normalize("NFKC", text[:LONGEST]).split())
    if _FACTOR.search(text):  # "G*1e6 (S)", "G (10^-6 S)": a power of ten that may be meant either way
        return Name(text, _quantity(text, _words(text)), None, text)
    meant = meant_otherwise(text)
    base, written = _divide(text)
    words = _words(base)
    quantity = _quantity(base, words)
    known = unit(written, quantity) if written else None
    if written and known is None:
        known = unit(written)
    if written and known is None:  # "Conductance (LTP)" has words in its brackets, and perhaps a unit before them
        if any(word in _UNDERSTOOD for word in _words(written)) or not re.search(r"[^\W\d_]|\?|%", written):
            written = None
        base, words = text, _words(text)
        quantity = quantity or _quantity(base, words)
    if known is None and written is None:
        base, known = _suffix(base, quantity, words)
        numbered = re.fullmatch(r"(.+[\s_]\w\w+)[\s_#]+\d+", base)  # "G_uS 3", the third column of a matrix
        if known is None and numbered:
            base, known = _suffix(numbered[1], quantity, words)
        words = _words(base)
    quantity = known.quantity if known is not None else quantity or _quantity(base, words)
    counts = quantity is None and any(word in _COUNTS for word in (*words, text.lower()))
    return Name(
        text,
        quantity,
        known,
        written if known is None else None,
        counts=counts or (quantity is None and any(word in text for word in ("脉冲", "パルス", "次数", "序号"))),
        cycle=any(word in _CYCLES for word in words),
        way="up" if any(word in _UP for word in words) else "down" if any(word in _DOWN for word in words) else None,
        width=any(word in _WIDTH for word in words),
        writing=any(word in _WRITING for word in words),
        reading=any(word in _READING for word in words),
        strange=known is None and any(_is_strange(token) for token in re.findall(r"[^\W\d_]+", text)),
        aside=meant is not None or any(word in _ASIDE for word in words),
        meant=meant,
    )


def _is_strange(token: str) -> bool:
    return not (_quantity(token, [token.lower()]) or any(word in _UNDERSTOOD for word in _words(token)))


def _divide(text: str) -> tuple[str, str | None]:
    """Divide a name from what stands in brackets, after a slash or after a comma."""
    bracketed = list(re.finditer(r"[(\[{<]([^()\[\]{}<>]*)[)\]}>]", text))
    for each in reversed(bracketed):
        inner = each[1].strip()
        if unit(inner) is not None or unit(inner, "conductance") is not None:
            return text[: each.start()] + text[each.end() :], inner
    for sign in ("/", ","):
        head, _, tail = text.rpartition(sign)
        if head and (unit(tail.strip()) is not None):
            if sign == "/" and unit(f"{head.split()[-1] if head.split() else ''}/{tail.strip()}") is not None:
                continue  # uA/V is a unit of its own
            return head, tail.strip()
    if bracketed and bracketed[-1][1].strip():
        return text[: bracketed[-1].start()] + text[bracketed[-1].end() :], bracketed[-1][1].strip()
    return text, None


def _suffix(base: str, quantity: str | None, words: list[str]) -> tuple[str, Unit | None]:
    """Return the unit at the end of a name, such as ``g_us`` or ``Current nA``, and what stands before it."""
    if unit(base) is not None and base not in _SYMBOLS:
        return "", unit(base)
    found = re.fullmatch(r"(.+?)(?:\s+in\s+|[\s_]+)([^\s_]+)", base)
    if not found:
        return base, None
    head, tail = found[1], found[2]
    head_quantity = _quantity(head, _words(head))
    agreeing = unit(tail, head_quantity) if head_quantity else None
    if agreeing is not None:
        return head, agreeing
    plain = unit(tail) or (unit(tail, "voltage") if tail == "v" else None)
    if plain is None or quantity not in {None, plain.quantity}:
        return base, None
    if len(tail) == 1:  # "Device A" is no current, "pulse_v" is a voltage
        telling = {"voltage": (*_WRITING, *_READING), "time": tuple(_WIDTH)}.get(plain.quantity, ())
        if not any(word in telling for word in words):
            return base, None
    return head, plain


def _words(text: str) -> list[str]:
    parted = re.sub(r"(?<=[a-zäöü])(?=[A-Z])", " ", text)
    both = re.findall(r"[^\W\d_]+\d*|#|±", parted) + re.findall(r"[^\W\d_]+", parted) + re.findall(r"[^\W_]+", text)
    return [word.lower() for word in both]


def _quantity(base: str, words: list[str]) -> str | None:
    lowered = base.lower()
    for quantity, starts in _WORDS.items():
        for start in starts.split():
            if any(word.startswith(start) for word in words) or (ord(start[0]) > 0x2E80 and start in lowered):
                return quantity
    for token in re.findall(r"[^\W_]+", base):
        symbol = _SYMBOL.fullmatch(token)
        if symbol and (token[0].isupper() or len(token.rstrip("0123456789")) == 1):
            return _SYMBOLS[symbol[1].upper()]
    return "time" if re.sub(r"\W", "", base) == "t" else None
