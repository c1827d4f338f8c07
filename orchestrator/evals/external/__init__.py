"""Suites of others: their cases and tools behind our contracts; their data stays outside."""
