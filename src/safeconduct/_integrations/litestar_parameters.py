"""Refuse the handlers of Litestar that would make a principal of what a request sends."""

from collections.abc import Collection, Iterator
from typing import Any, Final, get_args

import msgspec
from litestar.dto import AbstractDTO
from litestar.typing import FieldDefinition
from msgspec import inspect

from safeconduct.errors import ConfigurationError
from safeconduct.principal import Principal

#: Parameters that Litestar fills with objects of its own.
_NEVER_READ: Final = frozenset({"request", "socket", "scope", "state"})


def refuse_read_principals(operation: Any) -> None:
    """
    Refuse an *operation* whose parameters, or those of its dependencies, a request could fill with a principal.

    Litestar reads every parameter that no dependency provides from the body, the query, header fields or cookies, and
    builds any dataclass of it: a caller would choose who they are.

    Raises:
        ConfigurationError: If there is such a parameter.
    """
    providers = operation.resolve_dependencies()
    provided = _NEVER_READ | providers.keys()
    found = list(_parameters(operation, provided))
    data, dto = operation.parsed_data_field, operation.resolve_data_dto()
    if data is not None and (_is_read_by_dto(dto, data) if dto is not None else _is_read(data.annotation)):
        found.append("data")
    for name, provider in providers.items():
        if isinstance(provider.dependency, type) and issubclass(provider.dependency, Principal):
            found.append(name)
        found += _parameters(provider, provided)
    if found:
        raise ConfigurationError(
            f"{operation.handler_name}: {found[0]!r} would be a principal that the request describes, wanted the "
            "dependency current_principal: CurrentPrincipal (safeconduct.litestar), or a DTO that excludes the field"
        )


def _parameters(called: Any, provided: Collection[str]) -> Iterator[str]:
    """Yield the names of the parameters of a handler or a provider that are read from the request as a principal."""
    annotated = called.parsed_fn_signature.parameters
    for field in msgspec.structs.fields(called.signature_model):
        # Without validation, as with CurrentPrincipal under another name, the model takes any text of the query.
        is_unchecked = field.name in annotated and field.name != "data" and _is_read(annotated[field.name].raw)
        if field.name not in provided and (is_unchecked or _is_read(field.type)):
            yield field.name


def _is_read(annotation: Any) -> bool:
    """Say whether a principal is among what msgspec makes for *annotation*."""
    if _is_principal(annotation) or any(map(_is_read, get_args(annotation))):
        return True
    try:
        found = inspect.type_info(annotation)
    except Exception:  # noqa: BLE001 - what msgspec does not understand it does not make, either
        return False
    return _holds_principal(found, set())


def _holds_principal(node: Any, seen: set[int]) -> bool:
    if isinstance(node, tuple):
        return any(_holds_principal(each, seen) for each in node)  # pyright: ignore[reportUnknownVariableType]  # any tuple
    if not isinstance(node, inspect.Type | inspect.Field) or id(node) in seen:
        return False
    seen.add(id(node))
    if _is_principal(getattr(node, "cls", None)):
        return True
    return any(_holds_principal(getattr(node, name), seen) for name in node.__struct_fields__)


def _is_principal(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Principal)


def _is_read_by_dto(dto: type[AbstractDTO[Any]], data: FieldDefinition) -> bool:
    """Say whether a principal is among what *dto* transfers into *data*."""
    model = dto.resolve_model_type(data).annotation
    if _is_principal(model):
        return True
    return any(_fields_of_dto(dto, model, dto.config.exclude, dto.config.include, 0))


def _fields_of_dto(
    dto: type[AbstractDTO[Any]], model: Any, exclude: Collection[str], include: Collection[str], depth: int
) -> Iterator[bool]:
    """Yield for each field that is transferred whether it holds a principal."""
    hides_underscores = dto.config.underscore_fields_private
    for field in dto.generate_field_definitions(model):
        mark, name = field.dto_field.mark, field.name
        is_named = not include or any(path.partition(".")[0] == name for path in include)
        is_hidden = mark in {"private", "read-only"} or (mark is None and hides_underscores and name.startswith("_"))
        if is_named and not is_hidden and name not in exclude:
            yield _is_transferred(dto, field, _below(exclude, name), _below(include, name), depth)


def _is_transferred(
    dto: type[AbstractDTO[Any]], part: FieldDefinition, exclude: Collection[str], include: Collection[str], depth: int
) -> bool:
    if part.inner_types:
        # A path of a DTO counts the arguments of a type: `lines.0.owner`.
        return any(
            _is_transferred(dto, each, _below(exclude, str(index)), _below(include, str(index)), depth)
            for index, each in enumerate(part.inner_types)
        )
    if not dto.detect_nested_field(part):
        return _is_read(part.annotation)
    if depth == dto.config.max_nested_depth:
        return False  # it is left out
    return _is_principal(part.annotation) or any(_fields_of_dto(dto, part.annotation, exclude, include, depth + 1))


def _below(paths: Collection[str], name: str) -> set[str]:
    return {path.removeprefix(f"{name}.") for path in paths if path.startswith(f"{name}.")}
