"""Run the command line as ``python -m crossbar_hil``."""

from crossbar_hil.cli.verbs import main

main()
