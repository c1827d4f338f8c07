"""Words and examples: loading them, choosing them, laying them out."""
