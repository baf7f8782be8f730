"""The part *node* alone, on every node that has it."""

from deploys.parts import run

run("node")
