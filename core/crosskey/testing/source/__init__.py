"""Tests of sources, one module a subject."""

from crosskey.testing.source.conformance import SourceConformance

__all__ = ("SourceConformance",)
