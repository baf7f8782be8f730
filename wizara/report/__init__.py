"""One translated document, and its renderers."""
