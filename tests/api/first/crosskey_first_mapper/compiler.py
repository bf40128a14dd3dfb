"""Settings and a kind of account → :class:`Rules`, or one error that tells everything that does not fit."""

from __future__ import annotations

from crosskey import PERSON_ATTRIBUTES, ConfigError, Diagnostic, MapperSpec, MappingContext, MatchKey
from crosskey.errors import close_matches

from crosskey_first_mapper.rules import Field, Rules, Table
from crosskey_first_mapper.settings import FirstMapperSettings

__all__ = ("SPEC", "compile_rules")


def compile_rules(settings: FirstMapperSettings, context: MappingContext) -> Rules:
    """Compile the rules of one kind of account. What is found only when people are mapped is found too late."""
    compiler = _Compiler(context)
    fields = [compiler.field(name, attribute) for name, attribute in settings.fields.items()]
    table = compiler.table(settings)
    match = compiler.match(settings.match, settings.fields)
    if compiler.problems:
        raise ConfigError("the rules do not fit", where=context.path, problems=compiler.problems)
    return Rules(context.path, settings.group, [field for field in fields if field], table, match)


class _Compiler:
    """Checks one part after the other; ``problems`` collects all that is wrong."""

    def __init__(self, context: MappingContext) -> None:
        self.problems: list[Diagnostic] = []
        self._context = context
        self._kind = context.kind

    def field(self, name: str, attribute: str) -> Field | None:
        """A field that exists, made of an attribute that exists."""
        spec = self._kind.field(name)
        if spec is None or spec.type != "text":
            known = [field.name for field in self._kind.fields if field.type == "text"]
            self._refuse(f"fields.{name}", f"a {self._kind.name} has no such text field. {close_matches(name, known)}")
            return None
        self._attribute(f"fields.{name}", attribute)
        return Field(name, attribute, spec.required, spec.max_length)

    def table(self, settings: FirstMapperSettings) -> Table:
        """A table whose names are all in the target's catalogue."""
        self._attribute("by", settings.by)
        spec = self._kind.reference(settings.reference)
        if spec is None:
            known = [reference.name for reference in self._kind.references]
            hint = close_matches(settings.reference, known)
            self._refuse("reference", f"a {self._kind.name} has no such reference. {hint}")
            return Table(settings.reference, settings.by, {}, "")
        for other in self._kind.references:
            if other.required and other.name != settings.reference:
                self._refuse("reference", f"a {self._kind.name} needs a {other.name}, and these rules give none")
        ids = {value: self._id(spec.listing, name, f"table.{value}") for value, name in settings.table.items()}
        return Table(settings.reference, settings.by, ids, self._id(spec.listing, settings.otherwise, "otherwise"))

    def match(self, attribute: str, fields: dict[str, str]) -> list[MatchKey]:
        """The fields that hold the attribute by which accounts are recognised."""
        if not attribute:
            return []
        holding = tuple(name for name, made_of in fields.items() if made_of == attribute)
        if not holding:
            self._refuse("match", f"no field holds {attribute}, so no account can be recognised by it")
        return [MatchKey(attribute, holding)]

    def _attribute(self, key: str, attribute: str) -> None:
        if attribute not in PERSON_ATTRIBUTES and not attribute.startswith("extra."):
            self._refuse(key, f"people have no attribute {attribute}. {close_matches(attribute, PERSON_ATTRIBUTES)}")

    def _id(self, listing: str, name: str, key: str) -> str:
        try:
            return self._context.catalogue.resolve(listing, name, where=f"{self._context.path}.{key}")
        except ConfigError as error:
            self.problems.append(error.diagnostic())
            return ""

    def _refuse(self, key: str, summary: str) -> None:
        self.problems.append(
            Diagnostic(
                severity="error",
                code="first-mapper-rules",
                summary=summary.strip(),
                path=f"{self._context.path}.{key}",
                fix="correct the name",
            )
        )


SPEC = MapperSpec(
    name="first-mapper",
    summary="Rules of First Mapper",
    settings=FirstMapperSettings,
    compile=compile_rules,
)
