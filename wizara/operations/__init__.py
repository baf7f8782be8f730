"""The pyinfra operations and facts that deploys are made of."""

from wizara.operations.files import absent, directory, file, template
from wizara.operations.logins import login, members
from wizara.operations.packages import packages
from wizara.operations.target import secret, this_node
from wizara.operations.units import retired, unit

__all__ = [
    "absent",
    "directory",
    "file",
    "login",
    "members",
    "packages",
    "retired",
    "secret",
    "template",
    "this_node",
    "unit",
]
