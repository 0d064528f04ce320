"""Run every comparison of speed in one run, and write what it measures into results, pages and pictures.

Five times over, every row of every table below in turn, pinned to one core; the median counts. Run it on a quiet
machine; it takes some ten minutes. Needs ``badcrossbar`` for the peer of the circuit solver, which is left out
without it.

    python benchmarks/speed/run_all.py [--only NAME ...] [--rounds 1]
"""

from crossbar_hil.benchmarks import pages, study
from crossbar_hil.benchmarks.speed import speed_pictures

SCRIPTS = (
    *("training_speed", "solver_speed", "ensemble_speed", "ensemble_wired_speed", "ensemble_sizes", "command_speed"),
    *("spiking_speed", "spiking_wired_speed", "exchange_rate", "messages"),
)


def main() -> None:
    """Measure all, or what the command line asks for."""
    study.with_one_thread()
    known = {name: (script, each) for script in SCRIPTS for name, each in study.of_script(script).items()}
    given = study.read_command_line(__doc__, known)
    wanted = {name: known[name] for name in given.only}
    study.run(wanted, "python benchmarks/speed/run_all.py", holding=given.rows, rounds=given.rounds)
    if not given.rows:
        pages.fill()
        speed_pictures.draw()


if __name__ == "__main__":
    main()
