"""A report for people: one self-contained page, Markdown beside its plots, terminal tables."""

from html import escape
from pathlib import Path

from rich import box
from rich.table import Table as TerminalTable
from rich.text import Text

from orchestrator.core.errors import SettingsError
from orchestrator.evals import tables, tables_details
from orchestrator.evals.figures import EVERY_KIND, EvalReport
from orchestrator.evals.page_style import CSS
from orchestrator.evals.plots import Picture, pictures
from orchestrator.evals.tables import Table

PAGE = "evaluation.html"
DOCUMENT = "evaluation.md"
PLOTS = "plots"
MANY_ROWS = 40
"""Longer tables are folded away until they are asked for."""

SECTIONS = {
    "Criteria": (tables.criteria_table,),
    "Success": (tables.solved_table, tables.quality_table, tables.waste_table),
    "Ablations": (tables.ablation_table,),
    "Cost": (tables.tokens_table, tables.seconds_table),
    "Comparisons": (tables.comparison_table,),
    "Examples, margins, plans": (tables_details.detail_table,),
    "Failures": (
        tables_details.reasons_table,
        tables_details.parts_table,
        tables_details.failed_table,
    ),
    "What was measured": (tables_details.measured_table,),
}
"""The headings of a report with their tables."""
_SHOWN_IN = {
    "success": "Success",
    "ablations": "Ablations",
    "tokens": "Cost",
    "latency": "Cost",
    "distance": "Examples, margins, plans",
    "calibration": "Examples, margins, plans",
    "failures": "Failures",
    "difficulty": "Failures",
}


def write_page(report: EvalReport, folder: Path) -> Path:
    """Write the report as one HTML file that needs nothing else, and say where it is.

    Raises:
        SettingsError: matplotlib is not installed, or the folder cannot be written.
    """
    return _written(folder / PAGE, html(report, pictures(report)))


def write_markdown(report: EvalReport, folder: Path) -> Path:
    """Write the report as Markdown with its plots in a folder beside it; say where it is.

    Raises:
        SettingsError: matplotlib is not installed, or the folder cannot be written.
    """
    drawn = pictures(report)
    for picture in drawn:
        _written(folder / PLOTS / f"{picture.name}.svg", picture.svg)
    return _written(folder / DOCUMENT, markdown(report, drawn))


def html(report: EvalReport, drawn: tuple[Picture, ...] = ()) -> str:
    """The whole page as text, with its pictures inside."""
    parts = [
        f"<section id='{_id(name)}'><h2>{escape(name)}</h2>"
        + "".join(map(_figure, _pictures_of(name, drawn)))
        + "".join(_html_table(make(report).plain()) for make in makers)
        + "</section>"
        for name, makers in SECTIONS.items()
    ]
    links = "".join(f"<a href='#{_id(name)}'>{escape(name)}</a>" for name in SECTIONS)
    title = escape(f"Evaluation: {report.suite}")
    return (
        "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{title}</title><style>{CSS}</style></head><body><main>"
        f"<h1>{title}</h1>{_html_front(report)}<nav aria-label='Sections'>{links}</nav>"
        f"{''.join(parts)}</main></body></html>\n"
    )


def markdown(report: EvalReport, drawn: tuple[Picture, ...] = ()) -> str:
    """The report as Markdown; the pictures are linked as files in the folder of the plots."""
    lines = [f"# Evaluation: {report.suite}", "", _front(report), ""]
    if report.command:
        lines += ["Made by:", "", "```sh", report.command, "```", ""]
    lines += [f"- {note}" for note in report.notes] + [""] * bool(report.notes)
    for name, makers in SECTIONS.items():
        lines += [f"## {name}", ""]
        for picture in _pictures_of(name, drawn):
            lines += [f"![{picture.title}. {picture.alt}]({PLOTS}/{picture.name}.svg)", ""]
            lines += [picture.note, ""] * bool(picture.note)
        for make in makers:
            lines += _markdown_table(make(report).plain())
    return "\n".join(lines).rstrip() + "\n"


def terminal_tables(report: EvalReport) -> tuple[TerminalTable, ...]:
    """What to print after an evaluation: the bars, what was solved, what it cost."""
    makers = (
        tables.solved_table,
        tables.tokens_table,
        tables.ablation_table,
        tables.criteria_table,
    )
    made = [_overall(make(report)).plain() for make in makers]
    return tuple(terminal_table(table) for table in made if table.rows)


def terminal_table(made: Table) -> TerminalTable:
    """A table of a report for a terminal."""
    shown = TerminalTable(
        title=made.caption,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        header_style="bold cyan",
    )
    criteria = made.name == "criteria"
    for at, column in enumerate(made.columns):
        shown.add_column(column, overflow="fold", no_wrap=at < made.labels and not criteria)
    for row in made.rows:
        shown.add_row(*map(Text, row))
    return shown


def _overall(made: Table) -> Table:
    """Of the costs, the rows that hold all kinds together: a terminal is narrow."""
    if made.name != "tokens":
        return made
    at = made.columns.index("kind")
    return made.model_copy(update={"rows": tuple(r for r in made.rows if r[at] == EVERY_KIND)})


def _front(report: EvalReport) -> str:
    """What a reader must know first: how much was measured, when, and by which seeds."""
    span = ""
    if report.began and report.ended:
        span = f", {report.began:%Y-%m-%d %H:%M} to {report.ended:%Y-%m-%d %H:%M} UTC"
    named = ", ".join(report.models)
    models = f"model ({named})" if len(report.models) == 1 else f"models ({named})"
    return (
        f"{report.cases} cases, {len(report.arms)} arms, {len(report.models)} {models}, "
        f"{report.records} records{span}. "
        f"Seeds: {', '.join(map(str, report.seeds)) or 'none'}. Intervals are 95 %: Wilson for "
        "shares, Newcombe for paired differences, and for ratios a bootstrap over cases "
        f"({report.bootstrap_draws} draws, seed {report.bootstrap_seed}). "
        f"Schema version {report.schema_version}."
    )


def _html_front(report: EvalReport) -> str:
    made = f"<pre><code>{escape(report.command)}</code></pre>" if report.command else ""
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    listed = f"<ul class='notes' aria-label='Notes'>{notes}</ul>" if notes else ""
    return f"<p>{escape(_front(report))}</p>{made}{listed}"


def _pictures_of(section: str, drawn: tuple[Picture, ...]) -> list[Picture]:
    return [p for p in drawn if _SHOWN_IN[p.kind] == section]


def _figure(picture: Picture) -> str:
    label = escape(f"{picture.title}. {picture.alt}", quote=True)
    svg = picture.svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
    title = escape(picture.title)
    note = f" <span>{escape(picture.note)}</span>" if picture.note else ""
    caption = f"<figcaption>{title}.{note}</figcaption>"
    return f"<figure>{caption}<div class='scroll' tabindex='0'>{svg}</div></figure>"


def _html_table(made: Table) -> str:
    if not made.rows:
        return f"<p class='none'>{escape(made.caption)}: nothing.</p>"
    head = "".join(f"<th scope='col'>{escape(name) or '&nbsp;'}</th>" for name in made.columns)
    body = "".join(f"<tr>{_html_row(made, row)}</tr>" for row in made.rows)
    caption = escape(made.caption)
    table = (
        f"<div class='scroll {made.name}' tabindex='0' role='region' aria-label='{caption}'><table>"
        f"<caption>{caption}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )
    if len(made.rows) <= MANY_ROWS:
        return table
    return f"<details><summary>{caption}: {len(made.rows)} rows</summary>{table}</details>"


def _html_row(made: Table, row: tuple[str, ...]) -> str:
    cells = []
    for at, cell in enumerate(row):
        mark = f" class='{cell.replace(' ', '-')}'" if cell in {"met", "not met"} else ""
        text = escape(cell)
        cells.append(
            f"<th scope='row'>{text}</th>" if at < made.labels else f"<td{mark}>{text}</td>"
        )
    return "".join(cells)


def _markdown_table(made: Table) -> list[str]:
    if not made.rows:
        return [f"{made.caption}: nothing.", ""]
    rows = [made.columns, tuple("---" for _ in made.columns), *made.rows]
    lines = ["", *(_markdown_row(row) for row in rows), ""]
    if len(made.rows) <= MANY_ROWS:
        return [f"**{made.caption}**", *lines]
    summary = f"{made.caption}: {len(made.rows)} rows"
    return ["<details>", f"<summary>{summary}</summary>", *lines, "</details>", ""]


def _markdown_row(row: tuple[str, ...]) -> str:
    cells = (cell.replace("|", "\\|").replace("\n", " ") for cell in row)
    return f"| {' | '.join(cells)} |"


def _id(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name.lower())


def _written(path: Path, text: str) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be written: {error.strerror}.", hint="Name another folder."
        ) from error
    return path
