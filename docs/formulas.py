"""Formulas of the pages as MathML, which browsers draw themselves: no script, no font, no network."""

import re

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

TAG = re.compile(r"\\tag\{(.*?)\}")
"""The number of an equation, which MathML has no word for."""

OTHERWISE = ((re.compile(r"\\([Bb]igg?)(?![A-Za-z])"), r"\\\1l"), (re.compile(r"\\dots\b"), r"\\ldots"))
"""Words of LaTeX that docutils knows by another name."""


def mathml(text: str, *, as_block: bool = False) -> str:
    """Return a formula as MathML; one that docutils cannot read ends the build."""
    for word, known in OTHERWISE:
        text = word.sub(known, text)
    return tex2mathml(text, as_block=as_block)


def inline(page: HTML5Translator, node: nodes.math) -> None:
    """Write a formula of a sentence."""
    page.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def block(page: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula on a line of its own, with its number."""
    text = node.astext()
    number = TAG.search(text)
    drawn = mathml(TAG.sub("", text), as_block=True)
    page.body.append(f'<div class="formula">{drawn}<span>{f"({number[1]})" if number else ""}</span></div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Have Sphinx call these two."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
