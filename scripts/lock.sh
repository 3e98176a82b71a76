#!/usr/bin/env bash
# Writes the lock files again: universal, with hashes, without any address. Needs uv.
set -euo pipefail
cd "$(dirname "$0")/.."
lock() { uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate "$@"; }
lock --group build -o requirements.lock pyproject.toml
lock --group dev -c requirements.lock -o requirements-dev.lock pyproject.toml
lock --group node -o requirements-node.lock
