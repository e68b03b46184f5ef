"""What we hold, what it cost, and how much more we may take on."""
