"""Where the values of a column stand in the answer, worked out only when a resolver or an error asks."""

from itertools import chain, repeat

from gateway.execution.library_internals import Info, Path, info_for_paths
from gateway.execution.run import Run
from gateway.execution.selected_field import SelectedField


class ResponsePaths:
    """Where the values of a column stand: their paths, and the info of the field each belongs to."""

    __slots__ = ()

    def paths(self) -> list[Path | None]:
        """Return the path of each value; None is the root."""
        return [None]

    def infos(self) -> list[Info]:
        """Return for each value the info of the field that it belongs to."""
        raise NotImplementedError


class FieldPaths(ResponsePaths):
    """The paths of one field on the objects of a level."""

    __slots__ = ("_field", "_infos", "_level", "_paths", "_run", "_size")

    def __init__(self, run: Run, field: SelectedField, level: ResponsePaths, size: int) -> None:
        self._run = run
        self._field = field
        self._level = level
        self._size = size
        self._paths: list[Path | None] | None = None
        self._infos: list[Info] | None = None

    def paths(self) -> list[Path | None]:
        if self._paths is None:
            key, typename = self._field.key, self._field.parent_type.name
            self._paths = [Path(above, key, typename) for above in self._level.paths()]
        return self._paths

    def infos(self) -> list[Info]:
        if self._infos is None:
            field = self._field
            paths = [Path(None, field.key, field.parent_type.name)] if field.is_pathless else self.paths()
            first = self._run.executor.build_resolve_info(
                field.definition,
                field.nodes,
                field.parent_type,
                paths[0],  # type: ignore[arg-type]
            )
            if field.is_pathless or self._size == 1:
                self._infos = [first] * self._size
            else:
                self._infos = info_for_paths(first, paths)  # type: ignore[arg-type]
        return self._infos


class ItemPaths(ResponsePaths):
    """The paths of the items of lists, one list after another."""

    __slots__ = ("_lists", "_sizes")

    def __init__(self, lists: ResponsePaths, sizes: list[int]) -> None:
        self._lists = lists
        self._sizes = sizes

    def paths(self) -> list[Path | None]:
        return [
            Path(above, index, None)
            for above, size in zip(self._lists.paths(), self._sizes, strict=True)
            for index in range(size)
        ]

    def infos(self) -> list[Info]:
        pairs = zip(self._lists.infos(), self._sizes, strict=True)
        return list(chain.from_iterable(repeat(info, size) for info, size in pairs))


class PickedPaths(ResponsePaths):
    """Some of the paths of another column."""

    __slots__ = ("_paths", "_picks")

    def __init__(self, paths: ResponsePaths, picks: list[int]) -> None:
        self._paths = paths
        self._picks = picks

    def paths(self) -> list[Path | None]:
        paths = self._paths.paths()
        return [paths[pick] for pick in self._picks]

    def infos(self) -> list[Info]:
        infos = self._paths.infos()
        return [infos[pick] for pick in self._picks]
