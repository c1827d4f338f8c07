"""Ferryman as an MCP server."""
