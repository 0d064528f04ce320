"""Nodal analysis of a crossbar with wires and with cells that are not ohmic."""

from .engine import compile_kernels
from .network import WireOhm
from .solution import CrossbarSolution
from .solver import CrossbarSolver, crossbar_solution, solve_crossbar, transfer_matrix
from .topology import STANDARD, Topology

__all__ = [
    "STANDARD",
    "CrossbarSolution",
    "CrossbarSolver",
    "Topology",
    "WireOhm",
    "compile_kernels",
    "crossbar_solution",
    "solve_crossbar",
    "transfer_matrix",
]
