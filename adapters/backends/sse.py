"""Cuts a byte stream into server-sent events, wherever the network cut it into chunks.

The rules are those of the HTML standard, "interpreting an event stream": three kinds of line
ends, comments, several data lines an event. Only the data of an event matters here.
"""

import codecs

_CR, _LF = "\r", "\n"


class SseDecoder:
    """Takes bytes as they come and gives the data of each finished event.

    Raises:
        UnicodeDecodeError: From `feed` and `flush`, when the stream is not UTF-8.
    """

    def __init__(self) -> None:
        self._text = codecs.getincrementaldecoder("utf-8")()
        self._line: list[str] = []
        self._data: list[str] = []
        self._after_cr = False

    def feed(self, chunk: bytes) -> list[str]:
        """Take the next bytes; return the data of the events that they finish."""
        return self._take(self._text.decode(chunk))

    def flush(self) -> list[str]:
        """End the stream; some servers leave out the blank line after the last event."""
        tail = self._text.decode(b"", final=True)
        return self._take(f"{tail}{_LF}{_LF}" if self._line or tail else _LF)

    def _take(self, text: str) -> list[str]:
        if self._after_cr and text:
            # This line feed belongs to the carriage return that ended the previous chunk.
            self._after_cr = False
            text = text.removeprefix(_LF)
        self._after_cr = self._after_cr or text.endswith(_CR)
        *ended, rest = text.replace(_CR + _LF, _LF).replace(_CR, _LF).split(_LF)
        events = [event for line in ended for event in self._end_line(line)]
        self._line.append(rest)
        return events

    def _end_line(self, tail: str) -> list[str]:
        line = "".join((*self._line, tail))
        self._line.clear()
        if not line:
            return self._end_event()
        field, _, value = line.partition(":")
        if field == "data":
            self._data.append(value.removeprefix(" "))
        return []

    def _end_event(self) -> list[str]:
        events = ["\n".join(self._data)] if self._data else []
        self._data.clear()
        return events
