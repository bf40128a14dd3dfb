"""The local Okta's users: what lists hold, how they are narrowed, and what a change does."""

import httpx
import pytest
from sandbox_okta_client import BASE, add, client, code, ids, new_org, walk


async def test_the_plain_list_never_holds_deprovisioned_users_but_filter_and_search_do():
    org = new_org(people=5)
    gone = org.users.deactivate("p0003@acme.example")
    async with client(org) as http:
        plain = ids(await walk(http, "/api/v1/users"))
        leavers = ids(await walk(http, '/api/v1/users?filter=status eq "DEPROVISIONED"'))
        everybody = ids(await walk(http, "/api/v1/users?search=status pr"))
    assert len(plain) == 4
    assert gone.id not in plain
    assert leavers == [gone.id]
    assert set(everybody) == {*plain, gone.id}


async def test_a_page_has_at_most_200_users_and_next_links_lead_to_all_of_them_once():
    org = new_org(people=450)
    async with client(org) as http:
        pages = await walk(http, "/api/v1/users?limit=1000")
    assert [len(page) for page in pages] == [200, 200, 50]
    assert len(set(ids(pages))) == 450
    assert org.counted("/api/v1/users") == 3


async def test_a_full_last_page_has_no_next_link():
    org = new_org(people=400)
    async with client(org) as http:
        assert [len(page) for page in await walk(http, "/api/v1/users")] == [200, 200]


async def test_links_are_two_header_lines_or_one_joined_line():
    org = new_org(people=3)
    async with client(org) as http:
        two = await http.get("/api/v1/users?limit=2")
        org.quirks = type(org.quirks)(joined_links=True)
        one = await http.get("/api/v1/users?limit=2")
    assert len(two.headers.get_list("link")) == 2
    assert len(one.headers.get_list("link")) == 1
    assert two.links["next"] == one.links["next"]
    assert two.links["self"]["url"] == f"{BASE}/api/v1/users?limit=2"


async def test_links_and_rows_name_the_canonical_host():
    org = new_org(people=3, canonical_host="acme.okta.example:8443")
    async with client(org) as http:
        answer = await http.get("/api/v1/users?limit=2")
    assert answer.links["next"]["url"].startswith("https://acme.okta.example:8443/api/v1/users?after=")
    assert answer.json()[0]["_links"]["self"]["href"].startswith("https://acme.okta.example:8443/")


@pytest.mark.parametrize("spoil", [lambda a: a[:-2], lambda a: "x" + a, lambda a: a.replace("%", "%25"), lambda a: "1"])
async def test_an_altered_cursor_is_refused(spoil):
    org = new_org(people=3)
    async with client(org) as http:
        following = (await http.get("/api/v1/users?limit=2")).links["next"]["url"]
        start = following.index("after=") + 6
        end = following.index("&", start)
        answer = await http.get(following[:start] + spoil(following[start:end]) + following[end:])
    assert code(answer) == (400, "E0000031")


async def test_a_cursor_does_not_fit_another_listing():
    org = new_org(people=3)
    async with client(org) as http:
        cursor = httpx.URL((await http.get("/api/v1/users?limit=2")).links["next"]["url"]).params["after"]
        other = await http.get("/api/v1/users", params={"after": cursor, "filter": 'status eq "ACTIVE"'})
    assert code(other) == (400, "E0000031")


async def test_a_cursor_stays_good_when_rows_before_it_leave():
    org = new_org(people=6)
    async with client(org) as http:
        first = await http.get("/api/v1/users?limit=3")
        org.users.deactivate(first.json()[0]["id"])
        org.users.delete(first.json()[0]["id"])
        second = await http.get(first.links["next"]["url"])
    assert [row["profile"]["firstName"] for row in second.json()] == ["p0003", "p0004", "p0005"]


@pytest.mark.parametrize(("quirk", "seen"), [({"page_overlap": 1}, [3, 3, 3]), ({"page_gap": 1}, [3, 3])])
async def test_rows_can_come_twice_or_be_missed_between_pages(quirk, seen):
    org = new_org(people=7, **quirk)
    async with client(org) as http:
        pages = await walk(http, "/api/v1/users?limit=3")
    assert [len(page) for page in pages] == seen
    assert len(set(ids(pages))) == (7 if "page_overlap" in quirk else 6)


async def test_q_is_a_prefix_without_pages_and_without_deprovisioned_users():
    org = new_org(people=25)
    org.users.deactivate("p0001@acme.example")
    async with client(org) as http:
        answer = await http.get("/api/v1/users?q=P00")
        assert (await http.get("/api/v1/users?q=p0001")).json() == []
    assert len(answer.json()) == 10
    assert "link" not in answer.headers


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('profile.department eq "sales"', {"ann", "bob"}),
        ('profile.department eq "Sales" and profile.title pr', {"ann"}),
        ('(profile.department eq "IT" or profile.title sw "Head") and status eq "active"', {"ann", "cyd"}),
        ('profile.department eq "IT" or profile.title sw "Head" and status eq "SUSPENDED"', {"cyd"}),
        ('profile.skills eq "sql"', {"cyd"}),
        ("profile.remote eq true", {"bob"}),
        ("profile.floor ge 3", {"cyd"}),
        ('profile.lastName co "es"', {"ann", "bob", "cyd"}),
        ('lastUpdated gt "2026-01-05T09:00:00.000Z"', set()),
        ('lastUpdated ge "2026-01-05T10:00:00.000+01:00"', {"ann", "bob", "cyd"}),
    ],
)
async def test_search(expression, expected):
    org = new_org()
    add(org, "ann", department="Sales", title="Head of Sales")
    add(org, "bob", department="SALES", remote=True)
    add(org, "cyd", department="IT", skills=["sql", "printers"], floor=3)
    async with client(org) as http:
        answer = await http.get("/api/v1/users", params={"search": expression})
    assert {row["profile"]["firstName"] for row in answer.json()} == expected


async def test_search_can_be_sorted_across_pages():
    org = new_org()
    for name in ("bob", "dan", "ann", "cyd"):
        add(org, name)
    async with client(org) as http:
        url = "/api/v1/users?search=status pr&sortBy=profile.firstName&sortOrder=desc&limit=3"
        pages = await walk(http, url)
    assert [row["profile"]["firstName"] for page in pages for row in page] == ["dan", "cyd", "bob", "ann"]


@pytest.mark.parametrize(
    "query",
    [
        {"search": 'profile.department ne "Sales"'},
        {"search": 'profile.unheardOf eq "x"'},
        {"search": 'Status eq "ACTIVE"'},
        {"search": 'status eq "ACTIVE" and'},
        {"search": '(status eq "ACTIVE"'},
        {"search": "status eq ACTIVE"},
        {"search": 'lastUpdated gt "yesterday"'},
        {"search": 'status eq "open'},
        {"search": "((("},
        {"filter": 'profile.department eq "Sales"'},
        {"filter": 'profile.login sw "a"'},
        {"filter": 'statusChanged gt "2026-01-01T00:00:00.000Z"'},
        {"filter": "status pr"},
        {"filter": 'not (status eq "ACTIVE")'},
    ],
)
async def test_an_expression_outside_the_language_is_refused(query):
    async with client(new_org(people=1)) as http:
        assert code(await http.get("/api/v1/users", params=query)) == (400, "E0000031")


async def test_filter_values_count_their_case_and_exclude_search():
    async with client(new_org(people=1)) as http:
        assert (await http.get("/api/v1/users", params={"filter": 'status eq "active"'})).json() == []
        both = await http.get("/api/v1/users", params={"filter": 'status eq "ACTIVE"', "search": "status pr"})
    assert code(both) == (400, "E0000033")


async def test_search_is_behind_for_a_while_and_filter_is_not():
    org = new_org(people=2, search_lag=5.0)
    org.cell.clock.advance(10)
    org.users.deactivate("p0000@acme.example")
    add(org, "fresh")
    leavers = 'status eq "DEPROVISIONED"'
    async with client(org) as http:
        assert (await http.get("/api/v1/users", params={"search": leavers})).json() == []
        assert len((await http.get("/api/v1/users", params={"search": "status pr"})).json()) == 2
        assert len((await http.get("/api/v1/users", params={"filter": leavers})).json()) == 1
        org.cell.clock.advance(5)
        assert len((await http.get("/api/v1/users", params={"search": leavers})).json()) == 1
        assert len((await http.get("/api/v1/users", params={"search": "status pr"})).json()) == 3


async def test_search_shows_who_was_deleted_for_a_while():
    org = new_org(people=2, search_lag=5.0)
    org.users.set_status("p0000@acme.example", "DEPROVISIONED")
    org.cell.clock.advance(10)
    org.users.delete("p0000@acme.example")
    async with client(org) as http:
        shown = (await http.get("/api/v1/users", params={"search": "status pr"})).json()
        assert [row["status"] for row in shown] == ["ACTIVE", "DEPROVISIONED"]
        assert code(await http.get(f"/api/v1/users/{shown[1]['id']}")) == (404, "E0000007")
        org.cell.clock.advance(5)
        assert len((await http.get("/api/v1/users", params={"search": "status pr"})).json()) == 1


async def test_search_can_flap():
    org = new_org(people=3, search_flap=2)
    async with client(org) as http:
        seen = [len((await http.get("/api/v1/users?search=status pr")).json()) for _ in range(3)]
    assert seen == [3, 0, 3]


async def test_fields_project_a_row_and_id_is_always_there():
    org = new_org()
    user = add(org, "ann", title="Head")
    async with client(org) as http:
        row = (await http.get("/api/v1/users?fields=status,profile:(login,title,division)")).json()[0]
    assert row == {"id": user.id, "status": "ACTIVE", "profile": {"login": "ann@acme.example", "title": "Head"}}


async def test_rows_carry_credentials_unless_the_request_omits_them():
    org = new_org(people=1)
    async with client(org) as http:
        full = (await http.get("/api/v1/users")).json()[0]
        slim_header = {"content-type": "application/json; okta-response=omitCredentials,omitCredentialsLinks"}
        slim = (await http.get("/api/v1/users", headers=slim_header)).json()[0]
    assert full["credentials"]["provider"] == {"type": "OKTA", "name": "OKTA"}
    assert "credentials" not in slim
    assert list(full["_links"]) == ["self"]


async def test_one_user_is_found_by_id_login_short_login_and_me():
    org = new_org(people=2)
    user = org.users.find("p0001@acme.example")
    token = org.access.add_token(owner=user.id)
    async with client(org, token) as http:
        for who in (user.id, "P0001@acme.example", "p0001", "me"):
            assert (await http.get(f"/api/v1/users/{who}")).json()["id"] == user.id
        assert "suspend" in (await http.get("/api/v1/users/me")).json()["_links"]
        assert code(await http.get("/api/v1/users/00u000000000000000zz")) == (404, "E0000007")


async def test_the_life_of_a_user_over_http_and_the_times_it_moves():
    org = new_org()
    clock = org.cell.clock
    async with client(org) as http:
        body = {"profile": {"login": "new@acme.example", "firstName": "New", "lastName": "Comer", "email": None}}
        made = (await http.post("/api/v1/users?activate=false", json=body)).json()
        assert (made["status"], made["activated"], made["statusChanged"]) == ("STAGED", None, None)
        path = f"/api/v1/users/{made['id']}"

        async def now(action: str | None = None, **patch):
            clock.advance(60)
            if action:
                assert (await http.post(f"{path}/lifecycle/{action}")).status_code == 200
            if patch:
                await http.post(path, json={"profile": patch})
            row = (await http.get(path)).json()
            return row["status"], row["statusChanged"], row["lastUpdated"]

        assert await now("activate") == ("PROVISIONED", "2026-01-05T09:01:00.000Z", "2026-01-05T09:01:00.000Z")
        assert await now(title="Boss") == ("PROVISIONED", "2026-01-05T09:01:00.000Z", "2026-01-05T09:02:00.000Z")
        org.users.sign_in(made["id"])
        assert (await now())[2] == "2026-01-05T09:02:00.000Z"
        assert (await now("deactivate"))[0] == "DEPROVISIONED"
        assert (await http.get(path)).json()["id"] == made["id"]
        assert (await now("activate"))[0] == "PROVISIONED"
        assert (await http.delete(path)).status_code == 204
        assert (await now())[0] == "DEPROVISIONED"
        assert (await http.delete(path)).status_code == 204
        assert code(await http.get(path)) == (404, "E0000007")


async def test_suspending_and_unlocking_follow_the_status():
    org = new_org(people=1)
    path = f"/api/v1/users/{org.users.find('p0000').id}"
    async with client(org) as http:
        assert code(await http.post(f"{path}/lifecycle/unsuspend")) == (400, "E0000001")
        assert (await http.post(f"{path}/lifecycle/suspend")).status_code == 200
        assert code(await http.post(f"{path}/lifecycle/suspend")) == (400, "E0000001")
        assert code(await http.post(f"{path}/lifecycle/unlock")) == (403, "E0000032")
        org.users.set_status("p0000", "LOCKED_OUT")
        assert (await http.post(f"{path}/lifecycle/unlock")).status_code == 200
        assert code(await http.post(f"{path}/lifecycle/activate")) == (403, "E0000016")
        assert (await http.get(path)).json()["status"] == "ACTIVE"


async def test_status_changed_of_a_leaver_can_be_a_second_late():
    org = new_org(people=1, late_status_changed=True)
    user = org.users.deactivate("p0000")
    assert (user.last_updated, user.status_changed) == ("2026-01-05T09:00:00.000Z", "2026-01-05T09:00:01.000Z")


async def test_logins_are_unique_whatever_their_case_and_emails_are_not():
    org = new_org(people=2)
    async with client(org) as http:
        body = {
            "profile": {"login": "P0001@ACME.example", "firstName": "A", "lastName": "B", "email": "x@acme.example"}
        }
        answer = await http.post("/api/v1/users", json=body)
        assert code(answer) == (400, "E0000001")
        assert "already exists" in answer.json()["errorCauses"][0]["errorSummary"]
        same = {"profile": {"email": "p0001@acme.example"}}
        assert (await http.post("/api/v1/users/p0000", json=same)).status_code == 200
        assert code(await http.post("/api/v1/users", content=b"{")) == (400, "E0000003")


async def test_a_login_can_change_and_the_old_one_is_free():
    org = new_org(people=1)
    async with client(org) as http:
        answer = await http.post("/api/v1/users/p0000", json={"profile": {"login": "new.name@acme.example"}})
        assert answer.json()["profile"]["login"] == "new.name@acme.example"
        assert code(await http.get("/api/v1/users/p0000@acme.example")) == (404, "E0000007")
        assert code(await http.post("/api/v1/users/new.name", json={"profile": {"lastName": ""}})) == (400, "E0000001")
        replaced = {"login": "new.name@acme.example", "firstName": "A", "lastName": "B", "email": "a@acme.example"}
        row = (await http.put("/api/v1/users/new.name", json={"profile": replaced})).json()
    assert row["profile"] == {**replaced, "mobilePhone": None, "secondEmail": None}


async def test_a_second_address_is_among_the_credentials_and_fields_can_take_the_whole_profile():
    org = new_org()
    user = add(org, "ann", secondEmail="ann.home@mail.example")
    async with client(org) as http:
        row = (await http.get("/api/v1/users")).json()[0]
        whole = (await http.get("/api/v1/users?fields=profile")).json()[0]
    assert [email["type"] for email in row["credentials"]["emails"]] == ["PRIMARY", "SECONDARY"]
    assert whole == {"id": user.id, "profile": row["profile"]}
