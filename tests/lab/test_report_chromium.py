"""The HTML report in a real browser, filled with every hostile text: nothing runs, nothing is fetched, nothing is complained of."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from hostile_lan import case

from wizara.report.build import build
from wizara.report.html import html

pytestmark = pytest.mark.lab


def browse(page: Path, folder: Path) -> tuple[str, str, list[str]]:
    """Return the page's title after loading, the console, and every address that was asked for beside the page."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("chromium is not installed")
    network = folder / f"{page.stem}.netlog.json"
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr", "--v=0",
               "--disable-component-update", "--disable-background-networking", f"--log-net-log={network}", "--virtual-time-budget=2000",
               "--dump-dom", page.as_uri()]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    (title,) = re.findall(r"<title>([^<]*)</title>", done.stdout)[:1]
    console = "\n".join(
        line for line in done.stderr.splitlines() if "CONSOLE" in line or "Content Security Policy" in line
    )
    asked = set(re.findall(r'"url":"(https?://[^"]+)"', network.read_text()))
    return title, console, sorted(one for one in asked if "evil.example" in one)


@pytest.mark.parametrize("language", ["fr", "en", "ar"])
def test_a_browser_runs_fetches_and_reports_nothing(language: str, tmp_path: Path) -> None:
    document = build(case(), language)
    page = tmp_path / f"report.{language}.html"
    page.write_bytes(html(document))
    title, console, asked = browse(page, tmp_path)
    assert title.startswith(document.title)
    assert console == ""
    assert asked == []


def test_the_browser_would_have_told_of_a_page_that_misbehaves(tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    policy = "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'\">"
    page.write_text(f"<html><head>{policy}<title>x</title></head><body><script>1</script></body></html>")
    _title, console, _asked = browse(page, tmp_path)
    assert "Content Security Policy" in console
    page.write_text(
        "<html><head><title>x</title></head><body><script>document.title='PWNED'</script><img src='http://evil.example/x.png'></body></html>"
    )
    title, _console, asked = browse(page, tmp_path)
    assert title == "PWNED"
    assert asked
