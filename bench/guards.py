"""What permissions cost, in process, on PostgreSQL: `python -m bench.guards`.

The same dashboard with its guards and with guards that let everybody pass; the page of somebody who is refused the
members against the page of somebody who is not, at each level of disclosure; and one decision alone.
"""

import gc
from dataclasses import replace
from datetime import UTC, datetime
from operator import truediv
from statistics import median
from time import process_time
from timeit import timeit
from typing import Any
from unittest.mock import patch

import uvloop

from bench.asgi import asked
from bench.serve import settings_for
from bench.stage import Stage, open_stage
from bench.workload import DASHBOARD, Query
from gateway.app import create_app
from permissions.access_rules import MANAGE_MEMBERS, SEE_MEMBERS
from permissions.decision import may
from permissions.viewer import Grant, Standing, Viewer
from schema.graph.guards import Guard

TIMES, ROUNDS = 25, 41

PAGE = replace(
    DASHBOARD,
    document="""query Dashboard($id: ID!) {
  viewer { user { displayName email } applications { state application { key name } launch { url } } }
  organization(id: $id) {
    id name
    members(first: 25) { nodes { id status user { displayName } } }
    orders(first: 20) { nodes { number status total { amount } } }
  }
}""",
)


async def _round(app: Any, query: Query, token: str) -> float:
    gc.collect()
    begin = process_time()
    for _ in range(TIMES):
        await asked(app, query, token)
    return (process_time() - begin) / TIMES * 1e6


async def _guards(stage: Stage) -> tuple[float, float]:
    """Return the CPU microseconds of the dashboard, and that in parts of it without guards, from round to round."""
    app = create_app(settings_for(stage.folder, stage.database_url))
    async with app.router.lifespan_context(app):
        figures: dict[bool, list[float]] = {True: [], False: []}
        await _round(app, DASHBOARD, stage.token)
        for _ in range(ROUNDS):
            figures[True].append(await _round(app, DASHBOARD, stage.token))
            with patch.object(Guard, "refusals", lambda *_: None):
                figures[False].append(await _round(app, DASHBOARD, stage.token))
    return median(figures[True]), median(map(truediv, figures[True], figures[False]))


async def _refused(stage: Stage, disclosure: str) -> float:
    """Return the cost of a page whose lists are refused in parts of that of the same page with both allowed."""
    app = create_app(settings_for(stage.folder, stage.database_url, authorization_disclosure=disclosure))
    async with app.router.lifespan_context(app):
        figures: dict[bool, list[float]] = {True: [], False: []}
        await _round(app, PAGE, stage.token)
        for _ in range(ROUNDS):
            figures[False].append(await _round(app, PAGE, stage.token))
            with patch.object(Standing, "held_at", lambda *_: 0):
                figures[True].append(await _round(app, PAGE, stage.token))
    return float(median(map(truediv, figures[True], figures[False])))


async def _measured() -> None:
    async with open_stage() as stage:
        cost, ratio = await _guards(stage)
        print(f"dashboard {cost:.0f} µs, against the same without guards {ratio:.3f}")  # noqa: T201
        for disclosure in ("none", "permission", "full"):
            ratio = await _refused(stage, disclosure)
            print(f"refused page against an allowed one, disclosure {disclosure}: {ratio:.2f}")  # noqa: T201


def _decision() -> float:
    now = datetime.now(UTC)
    viewer = Viewer("usr", {"org": Standing("org", "mbr", (Grant("grt", "purchase", SEE_MEMBERS.mask, None),))})
    return timeit(lambda: may(viewer, MANAGE_MEMBERS, "org", now), number=200_000) / 200_000 * 1e6


def main() -> None:
    """Print the figures."""
    uvloop.run(_measured())
    print(f"one decision {_decision():.2f} µs")  # noqa: T201


if __name__ == "__main__":
    main()
