"""The one failure a tool reports on purpose."""


class OfficeError(Exception):
    """Tells the caller what was wrong, where, and what to do instead.

    Everything else that escapes a tool is a defect of the server and is reported as one.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.hint = hint
