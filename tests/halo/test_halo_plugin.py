from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import msgspec
import pytest
from halo_bench import a_create, a_desk, read_all, results, some_settings

from crosskey.connector.target import CountsSeats, EndsSessions, FindsChanges, HasCatalogue
from crosskey.context import InstanceContext
from crosskey_halo import HaloSettings, crosskey_targets
from crosskey_sandbox.halo import halo_app
from crosskey_sandbox.server import serving

HEAVY = ("httpx", "sqlite_utils", "jinja2", "joserfc", "starlette", "opentelemetry.sdk", "crosskey_halo.target")


def test_importing_the_plugin_brings_nothing_heavy_in():
    code = f"import sys, crosskey_halo; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_it_is_found_through_its_entry_point():
    (entry,) = entry_points(group="crosskey", name="halo")
    assert [spec.name for spec in entry.load().crosskey_targets()] == ["halo"]


def test_every_key_is_described_and_the_secret_stays_hidden():
    (spec,) = crosskey_targets()
    for field in msgspec.inspect.type_info(spec.settings).fields:
        assert isinstance(field.type, msgspec.inspect.Metadata | msgspec.inspect.CustomType) or field.type
    assert "sandbox-halo-secret" not in repr(some_settings())


@pytest.mark.parametrize(
    "keys",
    [{"batch": 0}, {"batch": 101}, {"page_size": 0}, {"requests_per_5_minutes": -1}, {"user_marker": "name"}, {"x": 1}],
)
def test_settings_out_of_range_are_refused(keys):
    sections = {"url": "https://acme.haloitsm.example", "client_id": "c", "client_secret": "s", **keys}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(sections, HaloSettings, dec_hook=lambda _, value: some_settings().client_secret)


async def test_a_desk_over_a_real_connection():
    desk = a_desk(clock=InstanceContext("x").clock)
    (spec,) = crosskey_targets()
    with serving(halo_app(desk)) as url:
        async with spec.open(some_settings(url=url), InstanceContext("target.desk")) as target:
            assert isinstance(target, HasCatalogue)
            assert isinstance(target, FindsChanges)
            assert isinstance(target, EndsSessions)
            assert isinstance(target, CountsSeats)
            assert {finding.severity for finding in await target.check()} == {"ok"}
            assert set(results(await target.apply([a_create(number) for number in range(150)]))) == {"applied"}
            accounts, _ = await read_all(target)
    assert sum(account.marker.startswith("ck-") for account in accounts.values()) == 150
