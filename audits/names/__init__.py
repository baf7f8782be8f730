"""What the ministry's name server promises to every node."""
