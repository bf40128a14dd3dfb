"""The local Entra ID beside real recorded traffic: the same members in every shape that both answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sandbox_entra_client import BASE, add, client, group, new_tenant

RECORDED = Path(__file__).parents[2] / ".." / "shared" / "recordings" / "entra"
KEYS_OF_OTHERS = {"correlation_id", "error", "error_codes", "error_description", "error_uri", "timestamp", "trace_id"}


def recorded(name):
    path = RECORDED / name
    if not path.exists():
        pytest.skip(f"no recording at {path}: put the real recordings beside the repository to run this test")
    return json.loads(path.read_bytes())


def answers(name, ending):
    """Bodies of recorded lists whose path ends so."""
    return [
        exchange["response"]["body"]
        for exchange in recorded(name)["exchanges"]
        if exchange["request"]["url"].partition("?")[0].endswith(ending)
    ]


@pytest.mark.parametrize(
    ("name", "tenant_of", "own"),
    [
        ("entra-tenant-openid-configuration-2021.json", lambda told: told["response"]["body"], True),
        ("entra-common-openid-configuration-2022.json", lambda told: told["body"], False),
    ],
)
async def test_discovery_has_the_members_and_the_paths_of_the_real_one(name, tenant_of, own):
    real = tenant_of(recorded(name))
    tenant = new_tenant()
    async with client(tenant) as http:
        segment = tenant.id if own else "common"
        made = (await http.get(f"/{segment}/v2.0/.well-known/openid-configuration")).json()
    assert made.keys() == real.keys() - {"kerberos_endpoint"}
    place = real["issuer"].split("/")[3]
    for key, value in real.items():
        if key.endswith("_endpoint") and key in made and "userinfo" not in key:
            path = value.partition(".com")[2]
            expected = path.replace(place, tenant.id) if own else path
            assert made[key] == BASE + expected
    assert made["issuer"].removeprefix(BASE) == (f"/{tenant.id}/v2.0" if own else "/{tenantid}/v2.0")
    assert real["issuer"].endswith("/{tenantid}/v2.0") is not own
    for key in ("response_types_supported", "response_modes_supported", "subject_types_supported", "claims_supported"):
        assert set(made[key]) == set(real[key]), key


def test_real_keys_belong_to_any_tenant_or_to_that_of_personal_accounts():
    """What the sign-in flow will have to check; no token of a person is verified by the source."""
    keys = recorded("entra-common-jwks-2022.json")["body"]["keys"]
    issuers = {key["issuer"] for key in keys}
    template = recorded("entra-common-openid-configuration-2022.json")["body"]["issuer"]
    assert template in issuers
    assert {issuer.split("/")[3] for issuer in issuers} == {"{tenantid}", "9188040d-6c67-4c5b-b112-36a304b66dad"}
    assert {(key["kty"], key["use"]) for key in keys} == {("RSA", "sig")}


async def test_default_rows_of_users_and_groups_have_the_real_members():
    tenant = new_tenant(people=1)
    group(tenant, "Staff")
    users = answers("users_three_pages_2021.json", "/users")[0]
    async with client(tenant) as http:
        made = (await http.get("/v1.0/users")).json()
        asked = (await http.get(f"/v1.0/users?$select={','.join(users['value'][0])}")).json()
    assert asked["value"][0].keys() == users["value"][0].keys()
    assert len(made["value"][0]) == 11


@pytest.mark.parametrize("place", range(17))
async def test_refusals_have_the_shape_of_real_ones(place):
    exchange = recorded("real-error-responses.json")[place]
    real = exchange["response"]["body"]
    tenant = new_tenant()
    async with client(tenant) as http:
        if "oauth2" in exchange["request"]["url"]:
            made = (
                await http.post(
                    "/00000000-0000-4000-8000-000000000001/oauth2/v2.0/token", data={"grant_type": "client_credentials"}
                )
            ).json()
            assert real.keys() <= KEYS_OF_OTHERS
            assert real.keys() == made.keys()
            assert made["error_description"].startswith("AADSTS")
            assert made["error_codes"] == [90002]
        else:
            made = (await http.get("/v1.0/users/nobody")).json()
            assert real.keys() == made.keys() == {"error"}
            inner = next(name for name in real["error"] if name.lower() == "innererror")
            assert {"code", "message"} <= real["error"].keys()
            assert made["error"]["innerError"].keys() == {"date", "request-id", "client-request-id"}
            assert {"date", "request-id"} <= real["error"][inner].keys()


async def test_delta_entries_are_told_as_documented():
    """Removed objects have an id and a reason; members have a type and an id."""
    tenant = new_tenant(people=2)
    one, other = tenant.directory.live("user")
    staff = group(tenant, "Staff", one, other)
    async with client(tenant) as http:
        pages = [(await http.get("/v1.0/groups/delta?$select=displayName,members")).json()]
        while "@odata.nextLink" in pages[-1]:
            pages.append((await http.get(pages[-1]["@odata.nextLink"])).json())
        tenant.directory.remove_member(staff.id, one.id)
        later = (await http.get(pages[-1]["@odata.deltaLink"])).json()
        tenant.directory.delete(other.id)
        users = (await http.get("/v1.0/users/delta?$deltatoken=latest")).json()
        add(tenant, "anna")
        tenant.directory.restore(other.id)
        tenant.directory.delete(other.id)
        gone = (await http.get(users["@odata.deltaLink"])).json()
    documented = [step["json"] for step in recorded("groups-delta-sequence.json") if "json" in step]
    told = [row for page in documented for row in page["value"]]
    left = [one for row in told for one in row.get("members@delta", ()) if "@removed" in one]
    joined = [one for row in told for one in row.get("members@delta", ()) if "@removed" not in one]
    rows = [row for page in pages for row in page["value"]]
    assert [set(one) for one in rows[0]["members@delta"]] == [set(joined[0])] * 2
    [member] = later["value"][0]["members@delta"]
    assert (set(member), member["@removed"]) == (set(left[0]), left[0]["@removed"])
    removed = [
        row
        for step in recorded("users-delta-sequence.json")
        for row in step.get("json", {}).get("value", ())
        if "@removed" in row
    ]
    [made] = [row for row in gone["value"] if row["id"] == other.id]
    assert (set(made), made["@removed"]) == (set(removed[0]), removed[0]["@removed"])
