"""A sentence model of a few kilobytes, in the real files' formats, run by the real runtime.

Every word of the vocabulary has a direction of its own and a text is the mean of its words, so
texts are as close as the words they share. The ONNX file is one `Gather`, written out field by
field in protobuf's wire format.
"""

import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

VOCABULARY = (
    *(
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "read",
        "write",
        "list",
        "send",
        "text",
        "file",
        "files",
        "folder",
        "picture",
    ),
    *("message", "invoice", "a", "the", "in", "of", "what", "is", "to"),
)
FLOAT, INT64 = 1, 7


def write_sentence_model(folder, seed=0):
    """Write `model.onnx` and `tokenizer.json` and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    directions = np.random.default_rng(seed).normal(size=(len(VOCABULARY), 384))
    (folder / "model.onnx").write_bytes(_model(directions.astype(np.float32)))
    words = {word: at for at, word in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(WordLevel(words, unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    marks = [("[CLS]", words["[CLS]"]), ("[SEP]", words["[SEP]"])]
    tokenizer.post_processor = TemplateProcessing("[CLS] $A [SEP]", special_tokens=marks)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def _model(directions):
    rows, width = directions.shape
    table = _field(1, rows) + _field(1, width) + _field(2, FLOAT) + _field(8, b"table")
    table += _field(9, directions.tobytes())
    states = b"last_hidden_state"
    node = _field(1, b"table") + _field(1, b"input_ids") + _field(2, states) + _field(4, b"Gather")
    graph = _field(1, node) + _field(2, b"words") + _field(5, table)
    for name in (b"input_ids", b"attention_mask", b"token_type_ids"):
        graph += _field(11, _value(name, INT64, (b"batch", b"sequence")))
    graph += _field(12, _value(states, FLOAT, (b"batch", b"sequence", b"width")))
    return _field(1, 8) + _field(7, graph) + _field(8, _field(2, 13))


def _value(name, element, dimensions):
    shape = b"".join(_field(1, _field(2, dimension)) for dimension in dimensions)
    tensor = _field(1, element) + _field(2, shape)
    return _field(1, name) + _field(2, _field(1, tensor))


def _field(number, value):
    if isinstance(value, bytes):
        return _varint(number << 3 | 2) + _varint(len(value)) + value
    return _varint(number << 3) + _varint(value)


def _varint(value):
    more, rest = value & 0x7F, value >> 7
    return bytes([more | 0x80]) + _varint(rest) if rest else bytes([more])
