"""The thirty operations in pyinfra's own."""

import io
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import declared
from pyinfra.operations import apt, files, server, systemd

for name in declared.PACKAGES:
    apt.packages(name=name, packages=[name])
for path in declared.DIRECTORIES:
    files.directory(name=path, path=path, user="root", group="root", mode="755")
for path, (number, version) in declared.TEMPLATES.items():
    files.template(
        name=path, src=io.StringIO(declared.TEMPLATE), dest=path, user="root", group="root", mode="644", number=number,
        version=version, jinja_env_kwargs={"trim_blocks": True},
    )  # fmt: skip
for path, content in declared.FILES.items():
    files.put(name=path, src=io.StringIO(content), dest=path, user="root", group="root", mode="644")
for name in declared.LOGINS:
    server.user(name=name, user=name, ensure_home=False)
for name in declared.UNITS:
    systemd.service(name=name, service=name, running=True, enabled=True)
files.file(name="nothing", path=declared.ABSENT, present=False)
