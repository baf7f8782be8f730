"""A ministry is declared once; wizara rehearses it, builds it, proves it, audits it and reports on it."""

__version__ = "0.1.0"
