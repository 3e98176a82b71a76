"""The GraphQL servers of Node that the bench compares the gateway with: bench/peers/, with packages from npm."""

import json
import subprocess
from pathlib import Path
from typing import Any

from bench.workload import VIEWER_ID
from connectors.applications.embedded import EmbeddedApplications
from gateway.profile_files import Profile
from permissions.policy import parse_policy
from scripts.node import programs

PEERS = ("node_graphql_jit", "mercurius", "apollo_server")

_FOLDER = Path(__file__).parent / "peers"
_LANGUAGES = ("de", "en", "fr")


def peer_command(name: str, folder: Path) -> list[str]:
    """Return the command that serves a peer, once its packages are there; see `write_configuration`."""
    node, npm = programs()
    if not (_FOLDER / "node_modules").exists():
        quietly = ("--ignore-scripts", "--no-audit", "--no-fund", "--silent")
        subprocess.run([*map(str, npm), "--prefix", str(_FOLDER), "ci", *quietly], check=True)
    return [str(node), str(_FOLDER / "serve.mjs"), name, str(_configuration_file(folder))]


async def write_configuration(folder: Path, database_url: str, profile: Profile) -> None:
    """Write what the peers keep in memory: the names of the roles, and the applications with what opens them."""
    policy = parse_policy(profile.policy_text, profile.policy_source)
    applications = EmbeddedApplications.from_toml(profile.applications_text, profile.applications_source)
    configuration: dict[str, Any] = {
        "databaseUrl": database_url.replace("postgresql+asyncpg:", "postgresql:", 1),
        "viewerId": VIEWER_ID,
        "roles": {
            language: {
                key: {"key": key, "label": role.labels.get(language) or role.labels["en"]}
                for key, role in policy.roles.items()
            }
            for language in _LANGUAGES
        },
        "catalogue": [
            {
                "key": it.key,
                "names": it.names,
                "taglines": it.taglines,
                "iconUrl": it.icon_url,
                "launch": {"kind": it.launch_kind, "url": it.launch_url},
                "audience": sorted(it.audience),
                "forEveryMember": it.for_every_member,
                "roles": [
                    key
                    for key, role in policy.roles.items()
                    if key in it.role_keys or not it.permissions.isdisjoint(role.permissions)
                ],
            }
            for it in await applications.catalogue()
        ],
    }
    _configuration_file(folder).write_text(json.dumps(configuration, default=dict), encoding="utf-8")


def _configuration_file(folder: Path) -> Path:
    return folder / "peers.json"
