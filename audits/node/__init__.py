"""What every node promises: its services, its packet filter, its SSH, its time."""
