"""Runs in the background: taken on, carried out, followed, drained."""
