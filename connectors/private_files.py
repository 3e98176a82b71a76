"""Files that only the account under which Forecourt runs may read, whatever its umask is."""

import logging
import os
import stat
from contextlib import suppress
from pathlib import Path

log = logging.getLogger("forecourt.files")

_OTHERS = stat.S_IRWXO
_GROUP_AND_OTHERS = stat.S_IRWXG | _OTHERS


def keep_private(file: Path) -> None:
    """Make the file, empty, if it is missing, and take it from everybody else if everybody could read it.

    So is what SQLite keeps beside it. A file that a group may read was made so by somebody on purpose, and stays. Says
    in the log what it changed, and what it could not; a folder that is missing is left to whoever opens the file.
    """
    # Only a new file: closing one that SQLite has open would let go of all locks that this process holds on it.
    with suppress(OSError):
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    for one in (file, *(file.with_name(f"{file.name}{suffix}") for suffix in ("-wal", "-shm", "-journal"))):
        _tighten(one)


def make_private_folder(folder: Path) -> None:
    """Make the folder with those above it that are missing, for its owner only; tighten it if everybody could read it.

    Raises:
        OSError: It cannot be made.
    """
    for missing in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
    _tighten(folder)


def warn_if_public(file: Path) -> None:
    """Say in the log that everybody could read a file that is not ours to change."""
    with suppress(OSError):
        if file.stat().st_mode & _OTHERS:
            log.warning("everybody can read this", extra={"file": str(file), "reason": "its mode; chmod 600 closes it"})


def _tighten(path: Path) -> None:
    try:
        mode = path.stat().st_mode
        if mode & _OTHERS:
            path.chmod(stat.S_IMODE(mode) & ~_GROUP_AND_OTHERS)
            log.warning("everybody could read this; now only its owner can", extra={"file": str(path)})
    except FileNotFoundError:
        pass
    except OSError as error:
        log.warning("everybody can read this", extra={"file": str(path), "reason": str(error.strerror)})
