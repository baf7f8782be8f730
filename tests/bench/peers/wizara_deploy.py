"""The thirty operations in wizara's own."""

import declared
import jinja2

from wizara.operations import absent, directory, file, login, packages, unit

_template = jinja2.Template(declared.TEMPLATE, keep_trailing_newline=True, trim_blocks=True)
for name in declared.PACKAGES:
    packages(name=name, names=(name,))
for path in declared.DIRECTORIES:
    directory(name=path, path=path)
for path, (number, version) in declared.TEMPLATES.items():
    file(name=path, path=path, content=_template.render(number=number, version=version))
for path, content in declared.FILES.items():
    file(name=path, path=path, content=content)
for name in declared.LOGINS:
    login(name=name, name_=name, comment=name)
for name in declared.UNITS:
    unit(name=name, unit_name=name)
absent(name="nothing", path=declared.ABSENT)
