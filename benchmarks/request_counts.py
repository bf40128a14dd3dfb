"""Requests of a full read and of a sync that changes nothing: exactly what the formulas say, never one per person."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from desk import new_desk
from measuring import Verdicts, arguments, vendors

CATALOGUE = ("Site", "Client", "UserRoles", "Roles", "Team", "TopLevel")
MEMBER_PAGE = 200
MAPPED = ("All Staff", "Service Desk", "Service Desk L1", "Service Desk L2")  # and every "… Office"


def pages(records: int, size: int) -> int:
    return max(1, ceil(records / size))


def of(counts: Mapping[str, int], prefix: str) -> int:
    return sum(count for request, count in counts.items() if request.startswith(prefix))


def main() -> None:
    chosen = arguments(__doc__, people=5_000, groups=220)
    verdicts = Verdicts()
    with vendors("stage", "--people", str(chosen.people), "--groups", str(chosen.groups)) as stage:
        facts = stage.facts
        with new_desk(stage) as desk:
            desk.command("sync")
            before = stage.ask("counts")
            desk.command("sync")
            counts = stage.ask("counts")
    okta, halo = counts["okta"], counts["halo"]
    mapped = [size for name, size in facts["members"].items() if name in MAPPED or name.endswith(" Office")]
    live = chosen.people - facts["deprovisioned"]
    formula = {
        "Okta: users and deprovisioned": (
            of(okta, "GET /api/v1/users"),
            pages(live, 200) + pages(facts["deprovisioned"], 200),
        ),
        "Okta: groups": (okta.get("GET /api/v1/groups", 0), pages(chosen.groups, 200)),
        "Okta: members of mapped groups": (
            of(okta, "GET /api/v1/groups/"),
            sum(pages(size, MEMBER_PAGE) for size in mapped),
        ),
        "Halo: users": (of(halo, "GET /api/Users"), pages(counts["listed"], 100)),
        "Halo: agents, who we are, seats": (of(halo, "GET /api/Agent") + of(halo, "GET /api/InstanceInfo"), 3),
        "Halo: catalogue": (sum(halo.get(f"GET /api/{name}", 0) for name in CATALOGUE), len(CATALOGUE)),
        "Halo: anything else": (sum(halo.values()) - of(halo, "GET /api/Users") - 3 - len(CATALOGUE) - 2, 0),
        "Halo: sign-in": (of(halo, "POST /auth/") + halo.get("GET /api/authinfo", 0), 2),
        "Halo: writes": (of(halo, "POST /api/") + counts["writes"] - before["writes"], 0),
    }
    print(f"\nA sync without change, {chosen.people:,} people, {chosen.groups} groups, {len(mapped)} of them mapped")
    for what, (seen, due) in formula.items():
        print(f"  {what:<36}{seen:>6} requests, due {due}")
        verdicts.bar(what, abs(seen - due), 0)
    verdicts.exit()


if __name__ == "__main__":
    main()
