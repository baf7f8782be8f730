"""What is found on a local network."""
