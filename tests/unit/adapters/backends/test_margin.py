import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.backends.margin import choice_margin


def token(text, p, **others):
    """One entry of a logprobs list: the generated token and its alternatives."""
    ranked = {text: p, **others}
    return {
        "token": text,
        "bytes": list(text.encode()),
        "logprob": math.log(p),
        "top_logprobs": [
            {"token": t, "bytes": list(t.encode()), "logprob": math.log(q)}
            for t, q in sorted(ranked.items(), key=lambda pair: -pair[1])
        ],
    }


def test_the_margin_is_the_lead_over_the_runner_up():
    assert choice_margin(("yes", "no"), "yes", [token("yes", 0.7, no=0.3)]) == pytest.approx(0.4)


def test_tokens_that_lead_to_no_option_do_not_count():
    tokens = [token("yes", 0.2, no=0.05, Sure=0.7)]
    assert choice_margin(("yes", "no"), "yes", tokens) == pytest.approx(0.6)


def test_a_common_beginning_is_no_certainty():
    options = ("files.list", "files.move", "mail.send")
    tokens = [token("files", 0.95, mail=0.05), token(".", 1.0), token("list", 0.55, move=0.45)]
    assert choice_margin(options, "files.list", tokens) == pytest.approx(0.95 * (0.55 - 0.45))


def test_a_rival_of_an_early_token_is_remembered():
    options = ("files.list", "files.move", "mail.send")
    tokens = [token("files", 0.6, mail=0.4), token(".list", 0.99, **{".move": 0.01})]
    assert choice_margin(options, "files.list", tokens) == pytest.approx(0.6 * 0.99 - 0.4)


def test_another_spelling_of_the_same_option_counts_for_it():
    tokens = [token("ocr", 0.5, o=0.2, mail=0.3)]
    assert choice_margin(("ocr.read", "mail.send"), "ocr.read", tokens) == pytest.approx(0.4)


def test_options_in_several_bytes_a_letter_are_followed():
    whole = "überall"
    first, rest = whole.encode()[:1], whole.encode()[1:]
    tokens = [
        {"token": "\ufffd", "bytes": list(first), "logprob": math.log(0.8), "top_logprobs": []},
        {"token": "\ufffd", "bytes": list(rest), "logprob": 0.0, "top_logprobs": []},
    ]
    assert choice_margin((whole, "nirgends"), whole, tokens) == pytest.approx(1.0)


def test_a_lone_option_has_no_margin():
    assert choice_margin(("done",), "done", [token("done", 0.1)]) is None


def test_without_probabilities_there_is_no_margin():
    assert choice_margin(("yes", "no"), "yes", []) is None


@given(st.lists(st.floats(0.001, 1), min_size=3, max_size=3))
def test_the_margin_stays_between_nothing_and_certainty(weights):
    a, b, c = (weight / sum(weights) for weight in weights)
    margin = choice_margin(("aa", "bb", "cc"), "aa", [token("aa", a, bb=b, cc=c)])
    assert 0 <= margin <= 1
    assert margin == pytest.approx(max(0, a - max(b, c)))
