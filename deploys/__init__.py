"""Makes one deploy folder importable; see parts."""
