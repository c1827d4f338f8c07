"""The seams: one Protocol per thing that touches the world."""
