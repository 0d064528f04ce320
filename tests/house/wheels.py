"""Wheels, made by what a pyproject.toml names for it, in a process of its own."""

import subprocess
import sys
import tomllib


def built(folder):
    """Return the wheel of a folder with a pyproject.toml, as `build` without isolation makes it."""
    backend = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["build-backend"]
    program = f"import {backend} as backend; backend.build_wheel('dist')"
    subprocess.run([sys.executable, "-P", "-c", program], cwd=folder, check=True, capture_output=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel
