"""The same thirty operations for all peers, as plain data: what they find when nothing is to do, and fourteen that change."""

from __future__ import annotations

import os
from functools import cache

ROOT = "/srv/bench"
#: another version changes the ten files and four of the templates
VERSION = os.environ.get("BENCH_VERSION", "1")
PACKAGES = ("openssh-server", "openssl")
DIRECTORIES = tuple(f"{ROOT}/etc/d{number}" for number in range(5))
TEMPLATE = (
    "# service {{ number }}, version {{ version }}\n"
    + "".join(
        f"{{% if number >= 0 %}}setting{line} = {{{{ number * {line + 3} }}}}{{% endif %}}\n" for line in range(30)
    )
    + "\n# end\n"
)
TEMPLATES = {
    f"{ROOT}/etc/d{number % 5}/template{number}.conf": (number, VERSION if number < 4 else "1") for number in range(6)
}
FILES = {
    f"{ROOT}/etc/d{number % 5}/file{number}.conf": f"version = {VERSION}\n" + f"key{number} = value\n" * 60
    for number in range(10)
}
LOGINS = ("games", "news")
UNITS = tuple(f"bench{number}.service" for number in range(4))
ABSENT = f"{ROOT}/etc/not-here"
COUNT = len(PACKAGES) + len(DIRECTORIES) + len(TEMPLATES) + len(FILES) + len(LOGINS) + len(UNITS) + 1


@cache
def rendered(number: int, version: str) -> str:
    """Return a template's text; wizara keeps its compiled templates too."""
    import jinja2

    return jinja2.Template(TEMPLATE, keep_trailing_newline=True, trim_blocks=True).render(
        number=number, version=version
    )
