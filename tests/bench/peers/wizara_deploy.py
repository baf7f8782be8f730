"""The thirty operations in wizara's own."""

import declared

from wizara.operations import absent, directory, file, login, packages, unit

for name in declared.PACKAGES:
    packages(name=name, names=(name,))
for path in declared.DIRECTORIES:
    directory(name=path, path=path)
for path, (number, version) in declared.TEMPLATES.items():
    file(name=path, path=path, content=declared.rendered(number, version))
for path, content in declared.FILES.items():
    file(name=path, path=path, content=content)
for name in declared.LOGINS:
    login(name=name, name_=name, comment=name)
for name in declared.UNITS:
    unit(name=name, unit_name=name)
absent(name="nothing", path=declared.ABSENT)
