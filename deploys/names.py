"""The part *names* alone, on every node that has it."""

from deploys.parts import run

run("names")
