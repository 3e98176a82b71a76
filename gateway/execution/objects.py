"""Objects, interfaces and unions: checked, grouped by their concrete type, and answered a level at a time."""

from collections.abc import Callable
from typing import Any, TypeAlias

from graphql import GraphQLAbstractType, GraphQLObjectType

from connectors.unmade import Layout
from gateway.execution.completion import Column, Completion, MaybeLate, finished, put_back
from gateway.execution.contract import IGNORES_INFO, INSTANCES_OF, THAT_ARE, DeadlineExceeded
from gateway.execution.field_errors import FieldErrors, PartialColumn
from gateway.execution.levels import Selection, answer_in_turns, answer_level, answer_unmade
from gateway.execution.library_internals import Executor, Info, invalid_return_type_error, is_strawberry_type_check
from gateway.execution.response_paths import PickedPaths, ResponsePaths
from gateway.execution.run import Run
from gateway.execution.selected_field import SelectedField

Compile: TypeAlias = Callable[[Executor[Any], GraphQLObjectType, SelectedField], Selection]
"""Compiles what a field selects on a concrete type; the plan does, when a value of the type is first reached."""


class ObjectOf(Completion):
    """An object of a concrete type."""

    __slots__ = ("_compile", "class_", "selection", "that_are", "type")

    def __init__(self, field: SelectedField, non_null: bool, type_: GraphQLObjectType, compile: Compile) -> None:
        super().__init__(field, non_null)
        self.type = type_
        self._compile = compile
        self.selection: Selection | None = None
        self.class_: type | None = getattr(type_.is_type_of, INSTANCES_OF, None)
        self.that_are: Callable[[Any], bool] | None = getattr(type_.is_type_of, THAT_ARE, None)

    def present(self, run: Run, values: list[Any], paths: ResponsePaths, types: set[type] | None = None) -> MaybeLate:
        budget = run.budget
        budget.objects += len(values)
        if types is None:
            types = set(map(type, values))
        if self.type.is_type_of is not None and not self._are_surely_mine(types, values):
            return self._checked(run, values, paths)
        if self.selection is not None and budget.objects <= budget.unwatched:
            return answer_level(run, self.selection, values, paths, types)
        return self._answered(run, values, paths)

    def present_unmade(self, run: Run, layout: Layout[Any], rows: list[Any]) -> list[Any] | None:
        """Complete records that nobody has made, of rows in this layout; None when they have to be made."""
        if layout.record is not self.class_ or self.that_are is not None:
            return None
        selection = self.planned(run.executor)
        return answer_unmade(run, selection, layout, rows) if selection is not None else None

    def planned(self, executor: Executor[Any]) -> Selection | None:
        """Return what is selected of the objects, None when it cannot be collected; who reaches one reports that."""
        if self.selection is None:
            try:
                self.selection = self._compile(executor, self.type, self.field)
            except Exception:
                return None
        return self.selection

    def _answered(self, run: Run, values: list[Any], paths: ResponsePaths) -> MaybeLate:
        selection = self.selection
        if selection is None:
            try:
                selection = self.selection = self._compile(run.executor, self.type, self.field)
            except Exception as error:
                return self._all_failed(error, len(values))
        if run.budget.objects <= run.budget.unwatched:
            return answer_level(run, selection, values, paths)
        run.budget.check_objects()
        if run.is_over:
            return self._all_failed(DeadlineExceeded(), len(values))
        return run.hold(answer_in_turns(run, selection, values, paths))

    def _are_surely_mine(self, types: set[type], values: list[Any]) -> bool:
        class_ = self.class_
        if class_ is None or not (types == {class_} or all(issubclass(type_, class_) for type_ in types)):
            return False
        try:
            return self.that_are is None or all(map(self.that_are, values))
        except Exception:
            return False  # asked again, object by object, it says whose error it is

    def _all_failed(self, error: Exception, size: int) -> PartialColumn:
        return PartialColumn([None] * size, [self.failed(error)] * size)

    def _checked(self, run: Run, values: list[Any], paths: ResponsePaths) -> MaybeLate:
        """Ask the type of each value whether it is one of its own."""
        is_type_of = self.type.is_type_of
        assert is_type_of is not None
        needs_no_info = getattr(is_type_of, IGNORES_INFO, False) or is_strawberry_type_check(is_type_of)
        infos: list[Any] = [None] * len(values) if needs_no_info else paths.infos()
        verdicts: list[Any] = []
        for value, info in zip(values, infos, strict=True):
            try:
                verdicts.append(is_type_of(value, info))
            except Exception as error:
                verdicts.append(error)
        # True and False are no awaitables in any kind of execution.
        if {bool}.issuperset(map(type, verdicts)) or not any(map(run.is_late, verdicts)):
            return self._judged(run, values, verdicts, paths)
        return run.hold(self._judged_later(run, values, run.hold_all(verdicts), paths))

    async def _judged_later(self, run: Run, values: list[Any], verdicts: list[Any], paths: ResponsePaths) -> Column:
        done = self._judged(run, values, await run.settled(verdicts), paths)
        return await finished(done)

    def _judged(self, run: Run, values: list[Any], verdicts: list[Any], paths: ResponsePaths) -> MaybeLate:
        field_errors: FieldErrors = [None] * len(values)
        for index, verdict in enumerate(verdicts):
            if isinstance(verdict, Exception):
                field_errors[index] = self.failed(verdict)
            elif not verdict:
                field_errors[index] = self.failed(
                    invalid_return_type_error(self.type, values[index], self.field.details)
                )
        if not any(field_errors):
            return self._answered(run, values, paths)
        picks = [index for index, field_error in enumerate(field_errors) if field_error is None]
        if not picks:
            return PartialColumn([None] * len(values), field_errors)
        done = self._answered(run, [values[pick] for pick in picks], PickedPaths(paths, picks))
        return put_back(run, [(picks, done)], field_errors)


class AbstractOf(Completion):
    """An interface or a union; each concrete type found among the values is answered as one level."""

    __slots__ = ("_compile", "_concrete", "type")

    def __init__(self, field: SelectedField, non_null: bool, type_: GraphQLAbstractType, compile: Compile) -> None:
        super().__init__(field, non_null)
        self.type = type_
        self._compile = compile
        self._concrete: dict[str, ObjectOf] = {}

    def present(self, run: Run, values: list[Any], paths: ResponsePaths, types: set[type] | None = None) -> MaybeLate:
        resolve_type = self.type.resolve_type or run.executor.type_resolver
        infos = paths.infos()
        names: list[Any] = []
        for value, info in zip(values, infos, strict=True):
            try:
                names.append(resolve_type(value, info, self.type))
            except Exception as error:
                names.append(error)
        if {str}.issuperset(map(type, names)) or not any(map(run.is_late, names)):
            return self._grouped(run, values, names, infos, paths)
        return run.hold(self._grouped_later(run, values, run.hold_all(names), infos, paths))

    async def _grouped_later(
        self, run: Run, values: list[Any], names: list[Any], infos: list[Info], paths: ResponsePaths
    ) -> Column:
        done = self._grouped(run, values, await run.settled(names), infos, paths)
        return await finished(done)

    def _grouped(
        self, run: Run, values: list[Any], names: list[Any], infos: list[Info], paths: ResponsePaths
    ) -> MaybeLate:
        groups: dict[str, list[int]] = {}
        field_errors: FieldErrors = [None] * len(values)
        for index, name in enumerate(names):
            if isinstance(name, Exception):
                field_errors[index] = self.failed(name)
                continue
            if type(name) is not str or name not in self._concrete:
                try:
                    self._learn(run, name, values[index], infos[index])
                except Exception as error:
                    field_errors[index] = self.failed(error)
                    continue
            groups.setdefault(name, []).append(index)
        if len(groups) == 1 and not any(field_errors):
            return self._concrete[names[0]].present(run, values, paths)
        done = [
            (
                picks,
                self._concrete[name].present(run, [values[pick] for pick in picks], PickedPaths(paths, picks)),
            )
            for name, picks in groups.items()
        ]
        return put_back(run, done, field_errors)

    def _learn(self, run: Run, name: Any, value: Any, info: Info) -> None:
        """Remember a type name as one of this abstract type.

        Raises:
            GraphQLError: It is none.
        """
        type_ = run.executor.ensure_valid_runtime_type(name, self.type, self.field.details, info, value)
        self._concrete[name] = ObjectOf(self.field, True, type_, self._compile)
