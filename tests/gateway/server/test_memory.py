"""What a process that serves does without, so that it stays small: whatever it needs seldom or never."""

import os
import subprocess
import sys
from pathlib import Path

from gateway.wiring import MIGRATIONS
from tests.servers import fresh_database

SELDOM = (
    "aiohttp",
    "aiosmtplib",
    "obstore",
    "aiosqlite",
    "alembic",
    "connectors.http.graphql",
    "connectors.shop.vendure",
    "gateway.pages.mailbox.mailbox_page",
    "gateway.pages.mail_links.rendering",
    "gateway.demo.demo_data",
    "jinja2",
    "redis",
    "resolvers.mail.rendering",
    "rich",
    "sqlalchemy.orm",
)

_SERVES = """
import asyncio, json, sys
import gateway.cli.main
from gateway.app import create_app
from gateway.settings_sources import read_settings

async def serve():
    app = create_app(read_settings())
    async with app.router.lifespan_context(app):
        sys.stdout.write(json.dumps(sorted(sys.modules)))

asyncio.run(serve())
"""


async def test_a_process_that_serves_on_postgresql_loads_nothing_that_it_needs_seldom_or_never(tmp_path: Path) -> None:
    async with fresh_database("postgresql", *MIGRATIONS) as url:
        without = {name: value for name, value in os.environ.items() if not name.startswith("FORECOURT_")}
        settings = {"FORECOURT_DATABASE_URL": url, "FORECOURT_DATA_FOLDER": str(tmp_path)}

        served = subprocess.run(  # noqa: ASYNC221  nothing else goes on meanwhile
            [sys.executable, "-c", _SERVES], env=without | settings, capture_output=True, text=True, timeout=120
        )

    assert served.returncode == 0, served.stderr
    loaded = served.stdout
    assert '"gateway.app"' in loaded
    assert [module for module in SELDOM if f'"{module}"' in loaded] == []
