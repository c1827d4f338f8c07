"""What the servers share about files: confinement, names, records, and effects that happen once."""
