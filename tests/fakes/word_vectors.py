"""Word vectors of a few kilobytes, in the real files' formats: every word has its direction."""

import json

import numpy as np

from tests.fakes.sentence_model import VOCABULARY, write_sentence_model

WIDTH = 256


def write_word_vectors(folder):
    """Write `vectors.safetensors` and `tokenizer.json` and return the folder."""
    write_sentence_model(folder)
    table = np.random.default_rng(0).normal(size=(len(VOCABULARY), WIDTH)).astype("<f2")
    tensor = {"dtype": "F16", "shape": list(table.shape), "data_offsets": [0, table.nbytes]}
    header = json.dumps({"embedding.weight": tensor}).encode()
    length = len(header).to_bytes(8, "little")
    (folder / "vectors.safetensors").write_bytes(length + header + table.tobytes())
    return folder
