"""The public surface, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import crosskey.http


def test_every_public_name_is_there():
    for name in crosskey.http.__all__:
        assert callable(getattr(crosskey.http, name)), name
    assert list(crosskey.http.__all__) == sorted(crosskey.http.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        crosskey.http.nothing


def test_no_public_name_is_also_a_module():
    # Importing such a module would put it in the place of the name.
    code = (
        "import importlib, pkgutil, crosskey.http as h\n"
        "for module in pkgutil.iter_modules(h.__path__): importlib.import_module(f'crosskey.http.{module.name}')\n"
        "assert not {m.name for m in pkgutil.iter_modules(h.__path__)} & set(h.__all__)\n"
        "assert callable(h.merge) and callable(h.recording)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_the_package_imports_no_http_library():
    code = "import crosskey.http, sys; assert not {'httpx', 'vcr', 'opentelemetry'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_client_needs_no_recorder():
    code = (
        "from crosskey.http import open_client; import sys; assert not {'vcr', 'opentelemetry.sdk'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
