"""Sphinx configuration: MyST pages and notebooks, numpydoc for the API, furo for the looks."""

import logging
import os
import sys
from importlib.metadata import version as installed

from jupyter_client.manager import KernelManager

project = "crossbar-hil"
author = "The crossbar-hil developers"
copyright = "The crossbar-hil developers"
release = version = installed("crossbar-hil")

sys.path.insert(0, os.path.dirname(__file__))  # for the extension beside this file
extensions = ["myst_nb", "sphinx.ext.autodoc", "formulas", "numpydoc"]
myst_enable_extensions = ["amsmath", "dollarmath", "colon_fence"]
myst_heading_anchors = 3
numpydoc_show_class_members = False
autodoc_typehints = "none"  # the docstrings say it, with shapes and units
autodoc_member_order = "bysource"
autodoc_mock_imports = ["pytest"]  # of the test extra; the pages need only the docs extra
default_role = "py:obj"
html_math_renderer = "mathml"
html_theme = "furo"
html_title = f"crossbar-hil {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
exclude_patterns = ["_build"]

# The notebooks are executed at every build, and one that fails fails the build.
os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])  # for !crossbar-hil
os.environ["TERM"] = "dumb"  # on which nothing moves
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True
logging.getLogger("traitlets").setLevel(logging.WARNING)  # which tells of every notebook
KernelManager.transport_encryption.default_value = "auto"  # or every kernel warns of its port on loopback
