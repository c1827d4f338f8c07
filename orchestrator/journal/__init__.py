"""The one durable structure: events, their fold, and the hash chain."""
