"""All parts of every node, stage by stage."""

from deploys.parts import PARTS, run

run(*PARTS)
