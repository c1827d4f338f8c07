"""The run as a graph; the only package that imports langgraph."""
