"""The office's MCP servers; each runs as ``python -m desk.servers.<namespace>``."""
