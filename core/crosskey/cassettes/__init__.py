"""Cassettes for everybody: recorded from live vendors, free of secrets and people, readable, and checked for drift."""

from crosskey.cassettes.lint import Finding, lint
from crosskey.cassettes.pseudonyms import Pseudonyms
from crosskey.cassettes.session import record
from crosskey.cassettes.shapes import Drift, compare
from crosskey.cassettes.summary import Summary, summarise
from crosskey.cassettes.tape import Exchange, load

__all__ = (
    "Drift",
    "Exchange",
    "Finding",
    "Pseudonyms",
    "Summary",
    "compare",
    "lint",
    "load",
    "record",
    "summarise",
)
