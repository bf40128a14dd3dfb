"""Change each cassette in one place: ``python -m proofs.cassettes [--every N] [case …]``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time
from collections import Counter
from collections.abc import Sequence

from proofs.cassettes.cases import cases
from proofs.cassettes.judge import try_case


def main(words: Sequence[str] | None = None) -> int:
    """Try them, print what came of each cassette and everything that is wrong; 1 when anything is."""
    parser = argparse.ArgumentParser(prog="python -m proofs.cassettes")
    parser.add_argument("--every", type=int, default=1, help="only one mutant of so many")
    parser.add_argument("case", nargs="*", help="such as okta/full-read; all of them when left out")
    chosen = parser.parse_args(words)
    logging.disable(logging.CRITICAL)
    wrong = 0
    for path in chosen.case or sorted(cases()):
        begun = time.process_time()
        judged = asyncio.run(try_case(path, chosen.every))
        counts = Counter(verdict.verdict for _, verdict in judged)
        spent = time.process_time() - begun
        print(f"{path}: {len(judged)} mutants, {dict(sorted(counts.items()))}, {spent:.1f} s", flush=True)
        for mutant, verdict in judged:
            if verdict.verdict == "wrong":
                wrong += 1
                print(f"  WRONG {mutant.kind} {mutant.where}: {verdict.why}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
