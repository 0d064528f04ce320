"""Files that are no tables by what they begin with: what they are, and how their numbers become a table."""

import json
import re

from .questions import Asker

_SAVETXT = "`numpy.savetxt('curve.csv', array, header='G (S)')` writes it as one"
_NUMPY = "an array of NumPy: `numpy.savetxt('curve.csv', array, header='G (S)')` writes it as a table"
_PRINTED = re.compile(
    r"\s*(?:array\s*\(|\[\[|\[np\.|[\[(]\s*[-+]?\.?\d[^\])\n]*[\s,][^\])\n]*(?:[\])],?\s*)?$)", re.MULTILINE
)
"""An array as Python prints it, by its first line: nothing but numbers follows its bracket."""
_PACKED = "a packed one: unpack it, and take the table in it"
_PICTURE = "a picture: take the numbers that it was drawn from"
_SAVE = "save its columns as text (CSV), with a name and a unit above each, by the program it is of"
_PICKLE = f"a pickle of Python, which may run any program when it is opened: {_SAVE}"
_BEGINNINGS = (
    ((b"\x93NUMPY",), _NUMPY),
    ((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"7z\xbc\xaf\x27\x1c"), _PACKED),
    ((b"TDSm",), f"a TDMS file of LabVIEW: {_SAVE}"),
    ((b"CPYA",), f"a project of Origin: {_SAVE}"),
    ((b"PAR1",), f"a Parquet file: {_SAVE}"),
    ((b"SQLite format 3\x00",), f"a database: {_SAVE}"),
    ((b"\x80\x03", b"\x80\x04", b"\x80\x05"), _PICKLE),
    ((b"%PDF", b"\x89PNG", b"\xff\xd8\xff"), _PICTURE),
)
_ZIP, _IN_NPZ, _BOOKS = b"PK\x03\x04", b".npy", (b"[Content_Types].xml", b"mimetype", b"xl/")
_JSON = "JSON: write its numbers as columns of text (CSV), with a name and a unit above each"
_PAGE = f"a web page or XML, whatever its name ends in: {_SAVE}"
_MARKUP = re.compile(r"\s*<(\?xml|!doctype|html|table|\w+:?\w*[ >])", re.IGNORECASE)


def check_bytes(data: bytes, ask: Asker) -> None:
    """Refuse by a DataError a file known to hold no table, before its bytes are taken for text or for a workbook."""
    for beginnings, told in _BEGINNINGS:
        if data.startswith(beginnings):
            raise ask.refusal(f"is not a text file, but {told}")
    if data.startswith(_ZIP) and not any(each in data for each in _BOOKS):
        raise ask.refusal(f"is not a text file, but {_NUMPY if _IN_NPZ in data else _PACKED}")


def check_text(text: str, ask: Asker) -> None:
    """Refuse by a DataError a text that is JSON, whole or by lines, markup, or an array as Python or NumPy print it."""
    if _MARKUP.match(text):
        raise ask.refusal(f"is {_PAGE}")
    if text.lstrip()[:1] not in {"{", "[", "a", "("}:
        return
    if _is_json(text) or _is_json(text.strip().splitlines()[0]):
        raise ask.refusal(f"is {_JSON}")
    if _PRINTED.match(text):
        raise ask.refusal(f"holds what Python prints of an array, not a table: {_SAVETXT}")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
