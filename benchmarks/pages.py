"""Put what a benchmark measured between its markers in the pages of docs/."""

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"


def put_between(marker, text):
    """Replace what stands between ``<!-- marker -->`` and ``<!-- /marker -->``, in whichever page holds them."""
    marked = re.compile(rf"(<!-- {re.escape(marker)} -->\n).*?(<!-- /{re.escape(marker)} -->)", re.DOTALL)
    pages = [page for page in sorted(DOCS.glob("*.md")) if marked.search(page.read_text(encoding="utf-8"))]
    if not pages:
        raise SystemExit(f"no page in {DOCS} holds the markers of {marker}")
    for page in pages:
        old = page.read_text(encoding="utf-8")
        page.write_text(marked.sub(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", old), encoding="utf-8")
