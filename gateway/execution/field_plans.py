"""The fields of a plan: how each reads its raw column, by attribute, by batch, or object by object."""

from collections.abc import Callable, Mapping
from inspect import iscoroutine
from keyword import iskeyword
from operator import attrgetter
from typing import Any

from graphql import GraphQLField, GraphQLObjectType, get_named_type, is_leaf_type

from gateway.execution.completion import Column, Completion, MaybeLate, is_done
from gateway.execution.contract import BatchField, DeadlineExceeded, WrongAnswer
from gateway.execution.field_errors import PartialColumn
from gateway.execution.generated_loops import Reader, reader
from gateway.execution.leaves import Leaf
from gateway.execution.library_internals import (
    Executor,
    FieldDetailsList,
    Undefined,
    argument_values,
    arguments_by_variable,
)
from gateway.execution.response_paths import FieldPaths, ResponsePaths
from gateway.execution.run import Run
from gateway.execution.selected_field import SelectedField
from gateway.execution.sharing import SharingKey, shared_answer, sharing_key_of
from gateway.execution.value_kinds import CALLABLE, is_frozen, kind_of


class Field(SelectedField):
    """One response name of a selection; answers its column for any number of parents."""

    __slots__ = (
        "_constants",
        "_variables",
        "clean",
        "completion",
        "each",
        "is_clean",
        "is_leaf",
        "path",
        "read",
        "why_general",
    )

    def __init__(self, key: str, parent_type: GraphQLObjectType, definition: GraphQLField, details: FieldDetailsList):
        super().__init__(key, parent_type, definition, details)
        self.is_leaf = is_leaf_type(get_named_type(definition.type))
        self._constants: dict[str, Any] | None = None
        self._variables: tuple[tuple[str, str], ...] = ()
        self.completion: Completion
        # What a row function reads it by: the attribute at a dotted path, or a function of context and object.
        self.path: str | None = None
        self.each: Callable[[Any, Any], Any] | None = None
        self.why_general: str | None = "a resolver of its own"
        # For a field that is but an attribute: what reads it, and when what was read is complete already.
        self.read: Reader | None = None
        self.clean: set[type] | None = None
        self.is_clean: Callable[[list[Any]], bool] | None = None

    def column(self, run: Run, parents: list[Any], paths: ResponsePaths) -> MaybeLate:
        """Answer the field for each parent, completed."""
        raise NotImplementedError

    def arguments(self, run: Run) -> dict[str, Any]:
        """Return the coerced arguments.

        Raises:
            GraphQLError: An argument is missing or cannot be coerced.
        """
        if not self.definition.args:
            return {}
        if self._constants is not None:
            arguments = dict(self._constants)
            if not self._variables:
                return arguments
            sent = run.executor.variable_values.coerced
            for name, variable in self._variables:
                value = sent.get(variable)
                if value is None:
                    break  # what stands for a null, or for nothing, is not so plain
                arguments[name] = value
            else:
                return arguments
        values = argument_values(run.executor, self.definition, self.details[0])
        if self._constants is None:
            self._learn_arguments(values)
        return values

    def _learn_arguments(self, values: dict[str, Any]) -> None:
        """Keep what is the same in every request, and what is the value of which variable."""
        variables = arguments_by_variable(self.definition, self.nodes[0])
        if variables is not None:
            self._variables = tuple(variables.items())
            self._constants = {name: value for name, value in values.items() if name not in variables}

    def _is_at(self, path: str) -> None:
        """Let row functions read the field at this path."""
        if all(name.isidentifier() and not iskeyword(name) for name in path.split(".")):
            self.path, self.why_general = path, None

    def all_failed(self, error: Exception, size: int) -> Column:
        """Return the column in which this error stands at every index."""
        return PartialColumn([None] * size, [self.completion.broken(error)] * size)

    def completed(
        self, run: Run, values: list[Any], types: set[type], parents: list[Any], paths: ResponsePaths
    ) -> MaybeLate:
        """Complete raw values of these types that are parallel to `parents`."""
        completion = self.completion
        if isinstance(completion, Leaf):
            return completion.complete_types(run, values, types, paths)
        return completion.complete(run, values, FieldPaths(run, self, paths, len(parents)), types)


class TypenameField(Field):
    """`__typename`, which the plan knows."""

    __slots__ = ()

    def __init__(self, *selected: Any) -> None:
        super().__init__(*selected)
        self.why_general = None

    def column(self, run: Run, parents: list[Any], paths: ResponsePaths) -> MaybeLate:
        return [self.parent_type.name] * len(parents)


class AttributeField(Field):
    """A plain strawberry field: the attribute of each parent, whatever it is."""

    __slots__ = ("_get",)

    def __init__(self, *selected: Any, attribute: str) -> None:
        super().__init__(*selected)
        self.read = reader(attribute)
        self._get = attrgetter(attribute)
        self._is_at(attribute)

    def column(self, run: Run, parents: list[Any], paths: ResponsePaths) -> MaybeLate:
        values: list[Any] = []
        for parent in parents:
            try:
                values.append(self._get(parent))
            except Exception as error:
                values.append(error)
        return self.completed(run, values, set(map(type, values)), parents, paths)


class DefaultField(Field):
    """A field without a resolver: mapping key or attribute of each parent, called when it can be called."""

    __slots__ = ("_name",)

    def __init__(self, *selected: Any) -> None:
        super().__init__(*selected)
        self._name = self.nodes[0].name.value
        if not self.definition.args:
            self.read = reader(self._name)
            self._is_at(self._name)

    def column(self, run: Run, parents: list[Any], paths: ResponsePaths) -> MaybeLate:
        name = self._name
        values = [parent.get(name) if type(parent) is dict else _default(parent, name) for parent in parents]
        return self.completed(run, values, set(map(type, values)), parents, paths)

    def completed(
        self, run: Run, values: list[Any], types: set[type], parents: list[Any], paths: ResponsePaths
    ) -> MaybeLate:
        try:
            arguments = self.arguments(run)
        except Exception as error:
            return self.all_failed(error, len(parents))
        if run.kinds(types) & CALLABLE:
            values = self._called(run, values, arguments, parents, paths)
            types = set(map(type, values))
        # As above, but without a further frame on the stack: a deep document has one of these for each level.
        completion = self.completion
        if isinstance(completion, Leaf):
            return completion.complete_types(run, values, types, paths)
        return completion.complete(run, values, FieldPaths(run, self, paths, len(parents)), types)

    def _called(
        self, run: Run, values: list[Any], arguments: dict[str, Any], parents: list[Any], paths: ResponsePaths
    ) -> list[Any]:
        infos = FieldPaths(run, self, paths, len(parents)).infos()
        values = list(values)
        for index, value in enumerate(values):
            if kind_of(value) & CALLABLE and not isinstance(value, Exception):
                try:
                    values[index] = value(infos[index], **arguments)
                except Exception as error:
                    values[index] = error
        return values


class ResolvedField(Field):
    """A field with a resolver of its own, called for each parent."""

    __slots__ = ("_resolve",)

    def __init__(self, *selected: Any, resolve: Callable[..., Any]) -> None:
        super().__init__(*selected)
        self._resolve = resolve
        # The resolvers of introspection look at the schema only.
        self.is_pathless = getattr(resolve, "__module__", None) == "graphql.type.introspection"

    def column(self, run: Run, parents: list[Any], paths: ResponsePaths) -> MaybeLate:
        try:
            if run.is_over:
                raise DeadlineExceeded(is_begun=False)
            arguments = self.arguments(run)
        except Exception as error:
            return self.all_failed(error, len(parents))
        field_paths = FieldPaths(run, self, paths, len(parents))
        resolve = self._resolve
        may_be_shared = len(parents) == 1 or all(map(is_frozen, arguments.values()))
        values: list[Any] = []
        for parent, info in zip(parents, field_paths.infos(), strict=True):
            try:
                values.append(resolve(parent, info, **arguments))
            except Exception as error:
                values.append(error)
            except BaseException:
                run.hold_all(values)
                raise
            if not may_be_shared:
                arguments = self.arguments(run)
        return self.completion.complete(run, values, field_paths)


class BatchedField(Field):
    """A field with a batch field: asked once, with all parents."""

    __slots__ = ("_batch", "_learn", "sharing_key", "wanted", "wants")

    def __init__(self, *selected: Any, batch: BatchField, learn: Callable[[Executor[Any]], object]) -> None:
        super().__init__(*selected)
        self._batch = batch
        self._learn = learn
        self.sharing_key: SharingKey | None = None
        self.wants: Mapping[str, type] = getattr(batch, "wants", None) or {}
        self.wanted: Mapping[str, Any] | None = None if self.wants else {}
        self.why_general = "awaited" if getattr(batch, "waits", True) else "asked for all objects at once"
        if self.definition.args and not self._has_no_arguments():
            self.why_general += ", with arguments"
        elif (path := getattr(batch, "path", None)) is not None:
            self._is_at(path)
        elif (each := getattr(batch, "each", None)) is not None:
            self.each, self.why_general = each, None

    def _has_no_arguments(self) -> bool:
        """Return whether there is none in any request: none is given, and none has a default."""
        return not self.nodes[0].arguments and all(
            argument.default is None and argument.default_value is Undefined
            for argument in self.definition.args.values()
        )

    def column(self, run: Run, parents: list[Any], paths: ResponsePaths) -> MaybeLate:
        try:
            if run.clock is not None and run.clock.is_out:  # as `run.is_over` says, which nearly all fields ask
                raise DeadlineExceeded(is_begun=False)
            arguments = self.arguments(run) if self.definition.args else {}
            if self.wanted is None:
                self._learn_wanted(run)
            asked = (arguments, self.wanted) if self.wanted else (arguments,)
            if self.sharing_key is None:
                answer = self._batch.answer(run.context, parents, *asked)
            else:
                answer = shared_answer(run, self.sharing_key, self._batch, parents, *asked)
            if type(answer) is list and len(answer) == len(parents):
                values = answer
            elif run.is_late(answer):
                return run.hold(self._awaited(run, run.hold(answer), parents, paths))
            else:
                values = self._parallel(answer, len(parents))
        except Exception as error:
            return self.all_failed(error, len(parents))
        return self.completed(run, values, set(map(type, values)), parents, paths)

    def _learn_wanted(self, run: Run) -> None:
        """Have the plan say what is shown of the records; where it cannot, whole records are read."""
        try:
            self._learn(run.executor)
        except Exception:
            self.wanted = {}

    def share(self) -> None:
        """Ask only once in a run what other fields ask, too."""
        self.sharing_key = sharing_key_of(self._batch, self.nodes[0])

    async def _awaited(self, run: Run, answer: Any, parents: list[Any], paths: ResponsePaths) -> Column:
        try:
            values = self._parallel(await run.within(answer), len(parents))
        except Exception as error:
            return self.all_failed(error, len(parents))
        done = self.completed(run, values, set(map(type, values)), parents, paths)
        return done if is_done(done) else await done  # type: ignore[misc]

    def _parallel(self, answer: Any, size: int) -> list[Any]:
        if type(answer) is not list:
            if isinstance(answer, str | bytes | Mapping) or not (
                hasattr(answer, "__len__") and hasattr(answer, "__getitem__")
            ):
                if iscoroutine(answer):
                    answer.close()
                raise WrongAnswer(
                    f"The batch field {self.coordinate} answered {type(answer).__name__!r}, which is no sequence."
                )
            answer = list(answer)
        if len(answer) != size:
            raise WrongAnswer(f"The batch field {self.coordinate} answered {len(answer)} values for {size} parents.")
        return answer  # type: ignore[no-any-return]


def _default(parent: Any, name: str) -> Any:
    """Return what graphql-core's default resolver finds, or the exception that came instead."""
    try:
        return parent.get(name) if isinstance(parent, Mapping) else getattr(parent, name, None)
    except Exception as error:
        return error
