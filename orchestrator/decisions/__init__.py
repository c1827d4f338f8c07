"""Decision records read as data: which model serves which role, and why."""
