"""The brake of an apply: once too many nodes have failed, no other is begun."""

from __future__ import annotations

from wizara.text import ngettext


class Brake:
    """Counts failures; ``reason`` says why nothing more is begun, and is empty while it may."""

    def __init__(self, limit: int | None) -> None:
        """*limit*: how many failed nodes are borne; None bears any number."""
        self._limit = limit
        self.failures: set[str] = set()
        self.reason = ""

    def failed(self, node: str) -> None:
        """Count *node*."""
        self.failures.add(node)
        if self._limit is not None and len(self.failures) > self._limit:
            words = ngettext(
                "not begun: {count} node has failed", "not begun: {count} nodes have failed", len(self.failures)
            )
            self.pull(words.format(count=len(self.failures)))

    def pull(self, reason: str) -> None:
        """Begin no more, for *reason*; the first one stands."""
        self.reason = self.reason or reason
