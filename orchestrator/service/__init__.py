"""The service: what a running Ferryman offers over HTTP, and the runs behind it."""
