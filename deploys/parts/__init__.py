"""One file a system: install, configure, activate."""
