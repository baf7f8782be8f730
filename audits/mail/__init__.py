"""What the mail system promises, shown by one real message."""
