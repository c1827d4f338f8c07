"""The native API: runs, their events, and a person's word on them."""
