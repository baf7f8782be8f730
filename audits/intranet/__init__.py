"""What the secure intranet promises: links, permitted flows, and nothing else."""
