"""What a team may write under ``[source.<name>]``, and what is said when it is wrong."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import httpx
import pytest
from entra_door import CLIENT, GRAPH, TENANT, LocalGraph, opened, read_all
from entra_recordings import recording

from crosskey.config import load_config
from crosskey.errors import ConfigError
from crosskey.plugins import load_plugins
from crosskey.settings import Secret
from crosskey_entra.clouds import CLOUDS


async def test_the_issuer_is_that_of_the_tenants_sign_in_tokens() -> None:
    real = recording("entra-tenant-openid-configuration-2021.json")["response"]["body"]
    tenant = real["issuer"].split("/")[3]
    async with opened(LocalGraph(), tenant=tenant.upper()) as source:
        assert source.issuer == real["issuer"]


async def test_the_token_endpoint_is_that_of_the_discovery_document() -> None:
    real = recording("entra-tenant-openid-configuration-2021.json")["response"]["body"]
    graph = LocalGraph()
    graph.user("ada")
    async with opened(graph, tenant=real["issuer"].split("/")[3]) as source:
        await read_all(source)
    assert str(graph.requests[0].url) == real["token_endpoint"]
    assert graph.requests[1].url.host == real["msgraph_host"]


@pytest.mark.parametrize("cloud", sorted(CLOUDS))
async def test_each_cloud_has_its_hosts_and_its_scope(cloud: Any) -> None:
    graph, hosts = LocalGraph(), CLOUDS[cloud]
    graph.user("ada")
    async with opened(graph, cloud=cloud) as source:
        await read_all(source)
        assert source.issuer == f"{hosts.authority}/{TENANT}/v2.0"
    assert {f"https://{one.url.host}" for one in graph.requests} == {hosts.authority, hosts.graph}
    assert graph.tokens[0]["scope"] == f"{hosts.graph}/.default"


async def test_addresses_may_be_written_out() -> None:
    graph = LocalGraph()
    graph.user("ada")
    overrides = {"authority": "https://login.example.com/", "graph_url": "https://graph.example.com/v1.0/"}
    async with opened(graph, issuer="corp-directory", **overrides) as source:
        await read_all(source)
        assert source.issuer == "corp-directory"
    assert str(graph.requests[0].url) == f"https://login.example.com/{TENANT}/oauth2/v2.0/token"
    assert str(graph.requests[1].url).startswith("https://graph.example.com/v1.0/users?")


@pytest.mark.parametrize("key", ["authority", "graph_url"])
@pytest.mark.parametrize(
    "text",
    ["http://graph.example.com", "ftp://x", "graph", "https://u:p@graph.example.com", "https://x/?a=b", "https://x:y"],
)
async def test_unsafe_addresses_are_refused(key: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        async with opened(LocalGraph(), **{key: text}):
            raise AssertionError("opened")
    assert caught.value.where == f"source.corp.{key}"
    assert f'write {key} = "https://' in caught.value.fix


@pytest.mark.parametrize("tenant", ["acme.onmicrosoft.com", "common", "", "19ae0f99-6fc6-444b-bd54-97504efc66a"])
async def test_a_tenant_is_named_by_its_id(tenant: str) -> None:
    with pytest.raises(ConfigError, match=r"Directory \(tenant\) ID") as caught:
        async with opened(LocalGraph(), tenant=tenant):
            raise AssertionError("opened")
    assert caught.value.where == "source.corp.tenant"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"client_secret": None}, "there is no credential"),
        ({"client_secret": Secret("x"), "federated_token_file": "t"}, "there are 2 credentials"),
        ({"client_secret": Secret("x"), "private_key": Secret("k")}, "private_key without its certificate"),
    ],
)
async def test_exactly_one_credential(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        async with opened(LocalGraph(), **changes):
            raise AssertionError("opened")
    assert caught.value.fix


async def test_all_problems_come_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        async with opened(
            LocalGraph(),
            tenant="acme.com",
            client_id="x",
            client_secret=None,
            graph_url="x",
            attributes={"a": "b", "c": "d"},
        ):
            raise AssertionError("opened")
    assert len(caught.value.problems) == 5


def test_it_is_configured_in_toml(tmp_path: Any) -> None:
    (tmp_path / "secret").write_text("s")
    (tmp_path / "secret").chmod(0o600)
    (tmp_path / "crosskey.toml").write_text(
        f"""
        [source.corp]
        use = "entra"
        tenant = "{TENANT}"
        client_id = "{CLIENT}"
        client_secret = {{ file = "secret" }}
        guests = "active"
        [source.corp.attributes]
        email = ["mail", "userPrincipalName"]
        manager = []
        "extra.badge" = "extensionAttribute3"
        [source.corp.groups]
        "All Staff" = "1426f405-f5fd-4f0b-963a-d17ad34513d8"
        [target.desk]
        use = "halo"
        url = "https://acme.haloitsm.com"
        client_id = "c"
        client_secret = {{ file = "secret" }}
        [sync]
        from = ["corp"]
        to = "desk"
        [map.user]
        scope = {{ groups = ["All Staff"] }}
        [map.user.fields]
        name = "display_name"
        """
    )
    config = load_config(tmp_path / "crosskey.toml", load_plugins())
    assert config.sources["corp"].settings.attributes == {
        "email": ("mail", "userPrincipalName"),
        "manager": (),
        "extra.badge": "extensionAttribute3",
    }


def test_importing_it_is_cheap() -> None:
    heavy = "{'httpx', 'cryptography', 'joserfc', 'opentelemetry.sdk', 'jinja2', 'sqlite_utils'}"
    program = (
        f"import sys, crosskey_entra; crosskey_entra.crosskey_sources(); print(sorted({heavy} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_a_secret_needs_no_cryptography() -> None:
    graph = LocalGraph()
    graph.user("ada")
    async with opened(graph) as source:
        await read_all(source)
    assert httpx.URL(GRAPH).host in {one.url.host for one in graph.requests}
