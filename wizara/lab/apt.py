"""What this computer's own apt configuration says: the Debian mirrors and the proxies that a lab fetches through."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from wizara.errors import Refusal
from wizara.lab.process import run
from wizara.text import _

#: Names that the suites of a Debian archive go by.
_SUITES = {"bookworm", "trixie", "stable", "oldstable", "testing", "unstable", "sid", "forky"}


@dataclass(frozen=True)
class Archive:
    """Where Debian packages come from."""

    main: str
    """Base address of the archive of releases."""
    security: str
    """Base address of the archive of security updates."""
    http_proxy: str | None = None
    https_proxy: str | None = None

    def sources(self, suite: str) -> list[str]:
        """Return the one-line sources of *suite* with its updates."""
        return [
            f"deb {self.main} {suite} main",
            f"deb {self.main} {suite}-updates main",
            f"deb {self.security} {suite}-security main",
        ]


def archive() -> Archive:
    """Return the archive that this computer's apt uses; raise Refusal when it names no Debian mirror."""
    listing = run(
        ["apt-get", "indextargets", "--no-release-info", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"]
    )
    pairs = [line.split()[:2] for line in listing.splitlines() if len(line.split()) >= 2]
    main = chosen(pairs, "")
    if main is None:
        raise Refusal(
            _("apt on this computer names no Debian mirror"), hint=_("add a Debian source to /etc/apt/sources.list.d")
        )
    security = chosen(pairs, "-security") or main.rstrip("/") + "-security"
    return Archive(main.rstrip("/"), security.rstrip("/"), _proxy("http"), _proxy("https"))


def chosen(pairs: list[list[str]], ending: str) -> str | None:
    """Return the first address of *pairs* (address, suite) that serves a Debian suite with this *ending*."""
    wanted = {suite + ending for suite in _SUITES}
    return next((address for address, suite in pairs if suite.split("/")[0] in wanted), None)


def _proxy(scheme: str) -> str | None:
    done = subprocess.run(
        ["apt-config", "shell", "PROXY", f"Acquire::{scheme}::Proxy"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip().removeprefix("PROXY=").strip("'") or None
