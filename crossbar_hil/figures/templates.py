"""Templates of pages: all text escaped, a word that has no value an error, each read and compiled once."""

from functools import cache

import jinja2


@cache
def template(name: str, *packages: str) -> jinja2.Template:
    """Return the template of a page by the name of its file, from the first of some packages that has it."""
    pages = jinja2.ChoiceLoader([jinja2.PackageLoader(each, ".") for each in packages])
    environment = jinja2.Environment(loader=pages, autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.get_template(name)
