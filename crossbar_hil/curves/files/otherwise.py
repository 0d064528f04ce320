"""Names of columns that speak of a conductance and hold none: shares of one, changes, logarithms, errors, densities."""

import re

_START = (
    r"(?:0|1|max|min|mean|avg|init\w*|start|first|on|off|ref|norm|sat|fresh|virgin|pristine|hrs|lrs|high|low"
    r"|\(\s*\w+\s*\))"
)
_SYMBOL = r"(?:conductance|resistance|current|[GRI])_?"
_METRE = r"[cmµμun]?m(?:\s*\^?\s*[-−]?\s*[12])?(?![^\W\d_])"
_FORMS = {
    "logarithm": r"(?<![^\W\d_])(?i:log|log_?10|ln|lg|logarithm\w*)(?![^\W\d_])|\bdB",
    "error": r"(?<![^\W\d_])(?i:std|sd|stdev|sigma|err|errors?|uncertainty|deviation|variance|fehler|unsicherheit)"
    r"(?![^\W\d_])|±",
    "change": r"[ΔδΔ∆∂]|(?i:\bdelta|\bchanges?\b|\bdiff\b|\bdifferences?\b|\bincrements?\b|\bänderung|\bvariation\b)"
    r"|(?<![^\W_])d[GRI](?![^\W_])(?!\s*/\s*d)"
    r"|(?<![^\W_])([GRI])(?:_?[a-z0-9]+)?\s*[-−–]\s*\1(?![a-z]{4})",
    "quanta": r"(?i:G|conductance|leitwert)\s*/\s*G_?0\s*$",
    "share": rf"/\s*\(?\s*(?i:{_SYMBOL}{_START})(?![^\W_])|%"
    r"|(?i:\bpercent|\bratio\b|(?<![^\W_])norm(?:ali[sz]|iert|\w*é|(?![^\W_]))|\brel(?:\b|ativ)|\ba\.\s?u\b|[(\[]au[)\]]|\barb\b|\barbitrary)",
    "density": rf"(?:S|A|[oO]hm|Ω)\s*(?:[/·*.]\s*|\s)(?:{_METRE}|(?i:sq)|□)|(?i:\bsheet\b|\bdensity\b)",
}
_KINDS = {kind: re.compile(form) for kind, form in _FORMS.items()}


def meant_otherwise(text: str) -> str | None:
    """Return what a column holds by its name in NFKC, if it is no conductance, resistance or current of a cell.

    Returns
    -------
    str or None
        ``logarithm``, ``error``, ``change``, ``quanta`` (or a share: ``G/G0`` may be both), ``share``, ``density`` (per
        length or area); None if nothing of the kind is said.

    Examples
    --------
    >>> meant_otherwise("dG (uS)"), meant_otherwise("dI/dV (S)"), meant_otherwise("G/G0"), meant_otherwise("R (ohm cm)")
    ('change', None, 'quanta', 'density')
    """
    return next((kind for kind, form in _KINDS.items() if form.search(text)), None)
