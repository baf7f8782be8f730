"""One file a system; each is run stage by stage over all parts: packages first, services last."""

from __future__ import annotations

from wizara import tree
from wizara.operations import this_node

#: The order of the parts within a stage: what others need stands first.
PARTS = ("node", "names", "intranet", "mail")
#: ``settle`` comes when every service runs: what would cut the node off from what it still needed before.
STAGES = ("install", "configure", "activate", "settle")


def run(*parts: str) -> None:
    """Make the operations of *parts*, as far as they are declared for this node, stage by stage."""
    mine = [tree.load(f"deploys.parts.{part}") for part in PARTS if part in parts and part in this_node().parts]
    for stage in STAGES:
        for part in mine:
            if hasattr(part, stage):
                getattr(part, stage)()
