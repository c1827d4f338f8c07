"""How texts are compared."""
