"""Where journals and large payloads live."""
