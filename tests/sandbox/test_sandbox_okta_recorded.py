"""The local Okta's rows and errors have the members that recorded ones have."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
from sandbox_okta_client import client, new_org

RECORDED = Path(__file__).parents[2] / ".." / "shared" / "recordings" / "okta" / "directory_crawl_2021-2022.har"
pytestmark = pytest.mark.skipif(not RECORDED.exists(), reason=f"recorded traffic is absent: {RECORDED}")


@pytest.fixture(scope="module")
def recorded():
    """path template -> the first recorded row of that list."""
    rows: dict[str, dict] = {}
    for entry in msgspec.json.decode(RECORDED.read_bytes())["log"]["entries"]:
        path = re.sub(r"/0[0-9A-Za-z]{15,}", "/{id}", urlsplit(entry["request"]["url"]).path)
        body = entry["response"]["content"].get("text", "")
        if entry["response"]["status"] == 200 and body.startswith("[{"):
            rows.setdefault(path, msgspec.json.decode(body)[0])
    return rows


@pytest.mark.parametrize(
    "template",
    [
        "/api/v1/users",
        "/api/v1/groups",
        "/api/v1/groups/{id}/users",
        "/api/v1/apps",
        "/api/v1/apps/{id}/users",
        "/api/v1/apps/{id}/groups",
    ],
)
async def test_rows_have_the_members_of_recorded_rows(recorded, template):
    org = new_org(people=1)
    app, group = org.apps.create("oidc_client", "Wiki", "OPENID_CONNECT"), org.groups.everyone
    org.apps.assign_group(app.id, group.id)
    async with client(org) as http:
        path = template.replace("{id}", app.id if "/apps/" in template else group.id)
        (row,) = (await http.get(path)).json()
    real = recorded[template]
    assert set(row) == set(real)
    assert set(real["_links"]) <= set(row["_links"]) | {"appLinks", "logo"}
    times = [name for name, value in row.items() if isinstance(value, str) and value.endswith("Z")]
    assert times
    for name in times:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z", row[name])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z", real[name] or row[name])
