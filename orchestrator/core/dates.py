"""Days as people write them in a text."""

import re

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(January|February|March|April|May|June|July|August|September|October|November|December"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)"
)
_DAY = re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b")
_SPELLED = re.compile(
    rf"\b(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? {_MONTH}\.?,? (\d{{4}})\b", re.IGNORECASE
)
_AMERICAN = re.compile(rf"\b{_MONTH}\.? (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}})\b", re.IGNORECASE)


def dates_named(said: str) -> list[str]:
    """The days that a text names with their year, as `2026-03-04`."""
    found = [f"{int(y):04}-{int(m):02}-{int(d):02}" for y, m, d in _DAY.findall(said)]
    for day, month, year in _SPELLED.findall(said):
        found.append(f"{year}-{_MONTHS.index(month.lower()[:3]) + 1:02}-{int(day):02}")
    for month, day, year in _AMERICAN.findall(said):
        found.append(f"{year}-{_MONTHS.index(month.lower()[:3]) + 1:02}-{int(day):02}")
    return list(dict.fromkeys(found))
