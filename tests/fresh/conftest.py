"""Makes the folder's own module importable for its tests."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_spec = importlib.util.spec_from_file_location("tests_fresh_newcomer", Path(__file__).with_name("newcomer.py"))
assert _spec
assert _spec.loader
_module = importlib.util.module_from_spec(_spec)
sys.modules["tests_fresh_newcomer"] = _module
_spec.loader.exec_module(_module)
