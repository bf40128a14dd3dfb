"""List and normalise 50,000 Okta users: at most twice a bare httpx + msgspec loop, in flat memory."""

from __future__ import annotations

import sys

from measuring import HERE, Measured, Verdicts, arguments, median, run, show, side_by_side, vendors


def listing(program: str, url: str, people: int) -> Measured:
    measured = run([sys.executable, str(HERE / program), url])
    assert int(measured.output) == people, measured.output
    return measured


def main() -> None:
    chosen = arguments(__doc__, people=50_000, many=500_000, rounds=5)
    verdicts = Verdicts()
    with (
        vendors("pages", "--people", str(chosen.people)) as few,
        vendors("pages", "--people", str(chosen.many)) as many,
    ):
        runs = side_by_side(
            chosen.rounds,
            bare_httpx_and_msgspec=lambda: listing("bare_listing.py", few.facts["url"], chosen.people),
            crosskey=lambda: listing("crosskey_listing.py", few.facts["url"], chosen.people),
        )
        show(f"Listing {chosen.people:,} people ({few.facts['bytes'] / 200 / 1024:.2f} KiB each)", runs)
        ratio = median(runs["crosskey"]) / median(runs["bare_httpx_and_msgspec"])
        verdicts.bar("wall, whole process, to the bare loop", ratio, 2, " x")
        peak = max(one.peak for one in runs["crosskey"])
        verdicts.bar("peak memory", peak, 64, " MiB")
        if chosen.many:
            large = side_by_side(
                2,
                bare_httpx_and_msgspec=lambda: listing("bare_listing.py", many.facts["url"], chosen.many),
                crosskey=lambda: listing("crosskey_listing.py", many.facts["url"], chosen.many),
            )
            show(f"Listing {chosen.many:,} people", large)
            verdicts.bar("peak memory against that of fewer", max(o.peak for o in large["crosskey"]) / peak, 1.1, " x")
    verdicts.exit()


if __name__ == "__main__":
    main()
