"""Prove that nothing is lost and nothing happens twice: `python -m scripts.kill_proof [rounds]`, 20 without a number.

The gateway is killed (SIGKILL) in the middle of its work so many times on each kind of database, while people invite
others and send again, with the same idempotency key, what was not acknowledged. Then they invite while the mail server
refuses, hangs, and hangs up after the mail. Exits with 1 when anything was lost, stored twice or mailed in two
versions.
"""

import asyncio
import sys

from tests.live.kills import Figures, killed, without_mail
from tests.servers import DatabaseKind, servers

KINDS: tuple[DatabaseKind, ...] = ("sqlite", "postgresql")


def _reported(what: str, figures: Figures) -> str:
    slowest = 1000 * max(figures.seconds, default=0)
    lines = [
        f"{what}: {figures.kills} kills, {len(figures.acknowledged)} invitations acknowledged, "
        f"{figures.retries} requests sent again, slowest answer {slowest:.0f} ms, "
        f"{figures.mails_twice} mails came twice with one Message-ID, {len(figures.problems)} problems",
        *figures.problems,
    ]
    return "\n  ".join(lines)


async def _main(rounds: int) -> int:
    is_bad = False
    try:
        for kind in KINDS:
            for what, figures in (
                ("killed", await killed(kind, rounds)),
                ("mail server failing", await without_mail(kind, 5)),
            ):
                sys.stdout.write(_reported(f"{kind}, {what}", figures) + "\n")
                is_bad = is_bad or bool(figures.problems)
    finally:
        await servers.stop()
    return 1 if is_bad else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)))
