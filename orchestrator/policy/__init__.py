"""Pure decisions: which tools to show, whether a call may run, what it may cost."""
