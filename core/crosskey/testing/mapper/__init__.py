"""Tests of mappers."""

from crosskey.testing.mapper.conformance import MapperConformance

__all__ = ("MapperConformance",)
