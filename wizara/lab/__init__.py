"""The same ministry as machines and networks on one computer."""
