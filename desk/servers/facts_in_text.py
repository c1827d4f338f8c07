"""Typed facts found in plain text by their form."""

import re
from typing import TypedDict

_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_PATTERNS = {
    "amounts": r"(?:[€$£]|\b(?:EUR|USD|GBP|CHF)\b)\s?\d[\d.,]*\d|\b\d[\d.,]*\d\s?(?:€|EUR|USD|CHF)",
    "dates": r"\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b"
    rf"|\b\d{{1,2}}\.? (?:{_MONTHS})[a-z]* \d{{4}}\b",
    "times": r"\b[0-2]?\d:[0-5]\d(?::[0-5]\d)?\b",
    "emails": r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b",
    "urls": r"\bhttps?://[^\s<>\"]+",
    "identifiers": r"\b(?=[A-Z0-9-]*\d)[A-Z]{1,4}-?\d{2,}(?:-?[A-Z0-9]+)*\b",
}
_COMPILED = {
    name: re.compile(pattern, 0 if name == "identifiers" else re.IGNORECASE)
    for name, pattern in _PATTERNS.items()
}


class Facts(TypedDict):
    """What was found, each list in the order of the text, without repetition."""

    amounts: list[str]
    dates: list[str]
    times: list[str]
    emails: list[str]
    urls: list[str]
    identifiers: list[str]


def facts_in(text: str) -> Facts:
    """Collect amounts, dates, times, addresses and reference numbers."""
    found = {
        name: list(dict.fromkeys(match.group().strip() for match in pattern.finditer(text)))
        for name, pattern in _COMPILED.items()
    }
    return Facts(
        amounts=found["amounts"],
        dates=found["dates"],
        times=found["times"],
        emails=found["emails"],
        urls=found["urls"],
        identifiers=found["identifiers"],
    )
