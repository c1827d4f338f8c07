"""What carries out a call."""
