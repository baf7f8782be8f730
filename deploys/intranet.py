"""The part *intranet* alone, on every node that has it."""

from deploys.parts import run

run("intranet")
