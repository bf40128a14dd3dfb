"""The short tier of the model: a few dozen histories against the dictionary."""

from __future__ import annotations

from proofs.model import try_histories


def test_whatever_is_done_the_desk_ends_as_the_dictionary_says():
    try_histories(40, 15)
