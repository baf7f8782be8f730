"""The part *mail* alone, on every node that has it."""

from deploys.parts import run

run("mail")
