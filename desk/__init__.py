"""The sample office: real MCP servers over local files, and the files they work on."""
