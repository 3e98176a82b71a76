"""Files in a folder of this machine, or of one that all processes share; Forecourt serves them itself."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path

from connectors.files.interface import check_key


class FolderFiles:
    """The files in a folder and the folders within it, and nothing that a link in there leads to elsewhere."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def link(self, key: str, *, valid_for: timedelta) -> None:
        """Return None: Forecourt serves the files itself."""
        check_key(key)

    async def path_of(self, key: str) -> Path | None:
        """Return where the file is; None for one that there is not."""
        try:
            check_key(key)
            return await asyncio.to_thread(self._path_of, key)
        except (OSError, ValueError):
            return None

    async def healthy(self) -> bool:
        """Return whether the folder is there and can be read."""
        return await asyncio.to_thread(os.access, self._folder, os.R_OK | os.X_OK)

    def _path_of(self, key: str) -> Path | None:
        folder = self._folder.resolve(strict=True)
        path = (folder / key).resolve(strict=True)
        return path if path.is_relative_to(folder) and path.is_file() else None
