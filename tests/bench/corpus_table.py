"""The table of what is found of the corpus, and what is said without need: wizara ``polite`` and ``fast`` beside tuned nmap."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "lab"))
sys.path.insert(0, str(Path(__file__).parent))
import corpus_peer
from corpus import audits
from corpus.population import corpus
from corpus.table import CONTROLS, PLANTS, Plant

#: Seconds that an audit of the whole corpus may take.
BARS = {"polite": 120.0, "fast": 30.0}
#: Of the listed sixty.
ENOUGH = 58


def numbers(found: set[tuple[str, int]], plants: tuple[Plant, ...]) -> set[str]:
    """Return the numbers of the list of which something was found; one is whole when all that stands under it is."""
    missed = {one.number for one in plants if (one.rule, one.last) not in found}
    return {one.number for one in plants} - missed


def main(keep: Path | None = None) -> int:
    """Measure and print, and *keep* what nmap wrote; 4 when a bar is missed."""
    listed = tuple(one for one in PLANTS if not one.held_out)
    held = tuple(one for one in PLANTS if one.held_out)
    began = time.monotonic()
    with corpus() as up, tempfile.TemporaryDirectory() as runs:
        raised = time.monotonic() - began
        fast, polite = (audits.audit(up, Path(runs), "--profile", name) for name in ("fast", "polite"))
        peer = corpus_peer.run(up)
        kept = (up.folder / "nmap.xml").read_text()
    if keep:
        keep.write_text(kept)
    said = {(one.rule, one.last) for one in PLANTS if peer.says(one.rule, one.last)}
    rows = [
        ("wizara polite", polite.found, polite.seconds),
        ("wizara fast", fast.found, fast.seconds),
        ("nmap, tuned", said, peer.seconds),
    ]
    print(f"{len(listed)} weaknesses ({len({one.number for one in listed})} numbers) and {len(held)} of another make on "
          f"{len({one.last for one in PLANTS})} hosts, {len(CONTROLS)} hardened ones; raised in {raised:.0f} s\n")  # fmt: skip
    print("| by | found of the list | of another make | false positives | seconds |\n|---|---|---|---|---|")
    good = True

    def more(seconds: float) -> str:
        return f"> {seconds:.0f}" if seconds == peer.seconds and not peer.finished else f"{seconds:.1f}"

    for name, found, seconds in rows:
        whole, other = numbers(found, listed), numbers(found, held)
        accused = len({one for one in found if one[1] in CONTROLS}) if name != "nmap, tuned" else "no verdicts"
        print(
            f"| {name} | {len(whole)} of {len({one.number for one in listed})} | {len(other)} of {len(held)} | {accused} | {seconds:.1f} |"
        )
        bar = BARS.get(name.removeprefix("wizara "))
        if bar:
            good &= len(whole) >= ENOUGH and len(other) >= 0.9 * len(held) and not accused and seconds <= bar
    good &= fast.seconds <= peer.seconds
    print("\n| no. | weakness | rule | wizara polite | nmap |\n|---|---|---|---|---|")
    for one in PLANTS:
        key = (one.rule, one.last)
        marks = ["yes" if key in found else "–" for found in (polite.found, said)]
        print(f"| {one.number} | {one.what} | {one.rule} | {' | '.join(marks)} |")
    stopped = "" if peer.finished else " (stopped there, unfinished)"
    print(f"\nnmap: {peer.line}{stopped}")
    return 0 if good else 4


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
