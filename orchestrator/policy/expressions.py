"""Arguments as a model wrote them: slips put right, and what may not stand refused."""

import re
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from orchestrator.core.dates import dates_named
from orchestrator.core.errors import InvalidArguments, MissingValue
from orchestrator.core.tools import ToolSpec
from orchestrator.policy.arguments import Parameter
from orchestrator.policy.references import FOLDER, JOINED, Reference, pointers
from orchestrator.policy.spoken import quotes

_WORDS = re.compile(r"[^\W_]{3,}")
_LONGER = re.compile(r"[^\W_]{4,}")
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]*\w")
_TITLE = re.compile(
    r"^(?:(?:mr|mrs|ms|miss|dr|prof|professor|herr|frau|madame)\b\.?\s+)+", re.IGNORECASE
)
_HOLD_ADDRESSES = (".email", ".value", ".sender", ".to", ".address")
_MAIL_ADDRESS = re.compile(r"\bmail address\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")
_SOME_DAY = re.compile(
    r"\b(?:to-?day|to-?morrow|yesterday|next|this|last|coming|week|month|year|\w+day|now"
    r"|january|february|march|april|may|june|july|august|september|october|november|december)\b",
    re.IGNORECASE,
)
_ALL_OF_THEM = re.compile(r"\b(?:all|each|every)\b", re.IGNORECASE)
_UPDATES = re.compile(r"(?:update|edit|change|modify|set)_")
_CALLED = ("title", "subject")
_TITLED = re.compile(
    r"\b(?:tasks?|events?|notes?|appointment|reminder|meeting|titled|called|named|title|subject|add|put"
    r"|create|book|schedule)\s+[\"\u201c]",
    re.IGNORECASE,
)
OFFERED = 4
"""References that an objection names."""
_STEM = 5
"""Letters by which two forms of a word are the same."""


def check_expressions(
    spec: ToolSpec,
    expressions: Mapping[str, JsonValue],
    wanted: Sequence[Parameter],
    offered: Sequence[Reference],
) -> None:
    """Refuse arguments that point where they may not, or that are the same for every item.

    Raises:
        InvalidArguments: A parameter has a reference it was not offered, or a step that goes
            over items uses none of their fields.
    """
    tool = spec.id
    for parameter in wanted:
        for pointer in pointers(expressions.get(parameter.name)):
            if not _may_be(parameter, pointer):
                raise InvalidArguments(
                    f"{tool}: {parameter.name} cannot be {pointer}. {_instead(parameter)}"
                )
    if changed := _changes_nothing(spec, expressions):
        raise InvalidArguments(
            f"{tool} would change nothing: {changed} stays what it is. Another tool may do it."
        )
    each = _of_the_item(offered)
    # Reading the same thing for every item is reading it once.
    if each and spec.effect != "read" and not each & set(pointers(dict(expressions))):
        raise InvalidArguments(
            f"{tool}: every item would get the same call. Use a value of the item,"
            f" such as {next(iter(sorted(each)))}."
        )


def _changes_nothing(spec: ToolSpec, expressions: Mapping[str, JsonValue]) -> str:
    """The parameter that a change sets to what it is: the record's own field; "" if it changes."""
    needed = spec.input_schema.get("required", ())
    records = {str(expressions[name]).partition(".")[0] for name in needed if name in expressions}
    others = [name for name in expressions if name not in needed]
    own = [
        name
        for name in others
        if pointers(expressions[name])
        and str(expressions[name]) in {f"{record}.{name}" for record in records}
    ]
    return own[0] if _UPDATES.match(spec.name) and own and own == others else ""


def _instead(parameter: Parameter) -> str:
    if not parameter.references:
        return "Write the words themselves."
    return f"It can be {' or '.join(map(str, parameter.references[:OFFERED]))}."


def each_of_them(
    spec: ToolSpec,
    expressions: Mapping[str, JsonValue],
    wanted: Sequence[Parameter],
    offered: Sequence[Reference],
    intent: str,
) -> dict[str, JsonValue]:
    """The arguments of a step that reads all of several files: the file of the item, not the first.

    A small model that saw their names writes the first of them, and the rest is never read.
    """
    each = {ref.text for ref in offered if ref.each}
    found = dict(expressions)
    if spec.effect != "read" or not _ALL_OF_THEM.search(intent) or each & {*pointers(found)}:
        return found
    for parameter in wanted:
        value = found.get(parameter.name)
        seen = isinstance(value, str) and value.startswith(FOLDER) and "/" in value
        named = seen and str(value).rpartition("/")[2].lower() not in intent.lower()
        own = [ref for ref in parameter.references if ref in each and str(ref).endswith(".path")]
        if named and parameter.required and len(own) == 1:
            found[parameter.name] = own[0]
    return found


def without_unfit(
    spec: ToolSpec, expressions: Mapping[str, JsonValue], wanted: Sequence[Parameter]
) -> dict[str, JsonValue]:
    """The arguments without optional ones that point where they may not.

    What the step speaks of is needed, but no folder is a text; a call that destroys is never made
    wider than written.
    """
    needed = spec.input_schema.get("required", ())
    unfit = {
        parameter.name
        for parameter in wanted
        if spec.effect != "destructive"
        and parameter.name not in needed
        and (not parameter.required or _is_a_folder(parameter, expressions))
        and any(not _may_be(parameter, p) for p in pointers(expressions.get(parameter.name)))
    }
    return {name: value for name, value in expressions.items() if name not in unfit}


def _is_a_folder(parameter: Parameter, expressions: Mapping[str, JsonValue]) -> bool:
    """Whether a folder stands where a text does."""
    value = expressions.get(parameter.name)
    return parameter.accepts == "text" and isinstance(value, str) and value.startswith(FOLDER)


def grounded(
    spec: ToolSpec,
    expressions: Mapping[str, JsonValue],
    wanted: Sequence[Parameter],
    said: str,
) -> dict[str, JsonValue]:
    """The arguments without what a small model invents: a title, a name nobody gave it.

    `said` is the step's intent and, on the lines after it, all that a person said; a parameter may
    also have what its description gives as a value, such as HEAD. A mail address has to stand
    there as it is, of other words the half, and a day has to be one that the person named, where
    they named none in words that may mean any ("tomorrow", "in May"); long texts, patterns and
    instructions are the model's own to write.

    Raises:
        MissingValue: A value that the tool needs stands neither there nor in a result.
    """
    kept = dict(expressions)
    lowered = said.lower()
    stems = {word[:_STEM] for word in _WORDS.findall(lowered)}
    for parameter in wanted:
        value = expressions.get(parameter.name)
        if parameter.accepts == "date" and isinstance(value, str):
            invented = _is_no_day_of(value, said.partition("\n")[2])
            _leave_out(spec, parameter, kept, said, invented=invented)
        if parameter.accepts not in {"text", "name"} or not isinstance(value, str):
            continue
        # Constants such as HEAD or UTC are known, not invented.
        if value in parameter.references or pointers(value) or value.isupper():
            continue
        words = _WORDS.findall(_ADDRESS.sub(" ", value.lower()))
        told = stems | {word[:_STEM] for word in _WORDS.findall(parameter.description.lower())}
        strange = [word for word in words if word[:_STEM] not in told]
        addresses = [found for found in _ADDRESS.findall(value.lower()) if found not in lowered]
        invented = bool(addresses) or 2 * len(strange) > len(words)
        _leave_out(spec, parameter, kept, said, invented=invented)
    return kept


def _leave_out(
    spec: ToolSpec, parameter: Parameter, kept: dict[str, JsonValue], said: str, *, invented: bool
) -> None:
    """Leave an invented value out, or refuse it where the tool or the step needs one."""
    needed = parameter.name in spec.input_schema.get("required", ())
    asked = spec.effect != "read" and _asked_for(parameter.name, said.partition("\n")[0])
    if invented and (needed or asked):
        raise MissingValue(
            f"{spec.id}: {parameter.name} stands neither in the goal nor in a result."
            f" Use what they say{_such_as(parameter)}.",
            parameter=parameter.name,
        )
    if invented:
        kept.pop(parameter.name, None)


def _asked_for(name: str, intent: str) -> bool:
    """Whether a step says that something is to have this: "with his phone number"."""
    given = intent.lower().partition(" with ")[2]
    return any(word in name.lower() for word in _LONGER.findall(given))


def _is_no_day_of(value: str, told: str) -> bool:
    """Whether a day was written that nobody named."""
    named = dates_named(told)
    if pointers(value) or (not named and _SOME_DAY.search(told)):
        return False
    return value[:10] not in named


def _such_as(parameter: Parameter) -> str:
    return f", such as {parameter.references[0]}" if parameter.references else ""


def uses_the_item(expressions: Mapping[str, JsonValue], offered: Sequence[Reference]) -> bool:
    """Whether arguments differ from item to item of a step that goes over some."""
    return bool(_of_the_item(offered) & set(pointers(dict(expressions))))


def _of_the_item(offered: Sequence[Reference]) -> set[str]:
    return {reference.text for reference in offered if reference.each}


def mended(
    expressions: Mapping[str, JsonValue], wanted: Sequence[Parameter], intent: str = ""
) -> dict[str, JsonValue]:
    """Arguments with the slips of small models put right where only one thing can be meant.

    `$s2.contacts[0].email` is the offered `$s2.email`; an element of a list is there once; the
    words that the step quotes are the content, not the name of something that was found; what is
    looked for by a name is looked for without "Ms", and an address is the one that was found.
    """
    by_name = {parameter.name: parameter for parameter in wanted}
    found = {
        name: _mended(value, by_name[name]) if name in by_name else value
        for name, value in expressions.items()
    }
    for parameter in wanted:
        value = found.get(parameter.name)
        if parameter.accepts == "content" and value is not None:
            found[parameter.name] = _as_quoted(parameter, value, list(found.values()))
        if isinstance(value, str) and _MAIL_ADDRESS.search(parameter.description):
            found[parameter.name] = _address(parameter, value, intent)
        if parameter.name == "query" and isinstance(value, str):
            found[parameter.name] = _TITLE.sub("", value) or value
    return _called_as_quoted(found, intent)


def _called_as_quoted(found: dict[str, JsonValue], intent: str) -> dict[str, JsonValue]:
    """The one text that the step quotes and no argument has, as the title in place of a pointer.

    Words that it is about, or that are looked for, are no title.
    """
    said = " ".join(str(value) for value in found.values()).lower()
    unused = [words for words in quotes(intent) if words.lower().rstrip(".!?") not in said]
    if not _TITLED.search(intent) or _ALL_OF_THEM.search(intent):
        return found
    name = next((name for name in _CALLED if pointers(found.get(name))), "")
    return {**found, name: unused[0]} if name and len(unused) == 1 else found


def _address(parameter: Parameter, value: str, intent: str) -> str:
    """The one address that was found, else that the step names, in place of a name or an id."""
    said = list(dict.fromkeys(_ADDRESS.findall(intent)))
    found = [r for r in parameter.references if isinstance(r, str) and r.endswith(".email")]
    alone = not found and len(said) == 1 and parameter.name not in {"cc", "bcc"}
    found = said if alone else found
    is_none = "@" not in value and not value.endswith(_HOLD_ADDRESSES)
    return found[0] if is_none and len(found) == 1 else value


def _as_quoted(parameter: Parameter, value: JsonValue, values: Sequence[JsonValue]) -> JsonValue:
    """The longest words that were quoted for it and stand nowhere, in place of a pointer."""
    said = " ".join(str(each) for each in values).lower()
    quoted = [r for r in parameter.references if isinstance(r, str) and not r.startswith("$")]
    unused = [words for words in quoted if words.lower().rstrip(".!?") not in said]
    meant = max([*unused, *(words for words in quoted if words == value)], key=len, default=value)
    return meant if pointers(value) or value in quoted else value


def _mended(value: JsonValue, parameter: Parameter) -> JsonValue:
    if isinstance(value, list) and parameter.elements:
        return [item for at, item in enumerate(value) if item not in value[:at]]
    if isinstance(value, str) and JOINED.fullmatch(value):
        # Texts are joined in the order in which the plan reads them; ids and names are no texts.
        offered = [pointer for pointer in pointers(value) if _may_be(parameter, pointer)]
        value = "\n".join(offered) or value
        return "\n".join(
            sorted(pointers(value), key=lambda pointer: int(_NUMBER.findall(pointer)[0]))
        )
    if not isinstance(value, str) or pointers(value) != [value] or _may_be(parameter, value):
        return value
    step, _, rest = value.partition(".")
    field = rest.rpartition(".")[2]
    same = [
        reference
        for reference in (*parameter.references, *parameter.elements)
        if isinstance(reference, str)
        and reference.partition(".")[0] == step
        and reference.rpartition(".")[2] == field
    ]
    return same[0] if len(same) == 1 else value


def _may_be(parameter: Parameter, pointer: str) -> bool:
    if pointer in parameter.references or pointer in parameter.elements:
        return True
    literal = parameter.literal or {}
    form = literal.get("items", literal)
    return any(
        re.fullmatch(option["pattern"], pointer) is not None
        for option in (form, *form.get("anyOf", ()))
        if "pattern" in option
    )
