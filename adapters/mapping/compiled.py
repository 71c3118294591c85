"""A mapping ready for work: read records, write documents, say what it promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Mapping as MappingOf
from typing import Any

from pydantic import ValidationError

from adapters.base.findings import Finding, Level
from adapters.base.yaml import Node, load_yaml
from adapters.mapping.check import check_plan, group_losses, losses_of
from adapters.mapping.explain import source_of
from adapters.mapping.fused import IrregularError
from adapters.mapping.plan import LevelNode, Plan, build_plan
from adapters.mapping.reader import compile_reader
from adapters.mapping.records import Record, SourceField
from adapters.mapping.run import MappingContext, Run, UnfitError
from adapters.mapping.spec import read_spec
from adapters.mapping.writer import compile_writer
from canonical.document import CanonicalDocument
from canonical.registry import DOCUMENT_TYPES


class MappingError(Exception):
    """A mapping file cannot be used; all reasons at once."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = tuple(findings)


class Mapping:
    """One mapping file, compiled both ways. Reading and writing are pure and may run in any thread."""

    def __init__(self, plan: Plan, notes: Sequence[Finding], schema: Sequence[SourceField]) -> None:
        self.name = plan.spec.mapping
        self.document_type = plan.spec.document
        self.direction = plan.spec.direction
        self.fields = frozenset(plan.spec.fields)  # canonical paths that the document's own record fills
        self.groups = frozenset(plan.spec.groups)  # canonical paths that records below it fill
        self.notes = tuple(notes)  # what check found and what does not hinder its use
        self.losses = tuple(_losses(plan.root))
        self._plan = plan
        self.root = plan.root  # what a fused reader is compiled from
        self._model = DOCUMENT_TYPES[plan.spec.document]
        self._read = compile_reader(plan.root, plan.spec.mapping)
        self._write = compile_writer(plan.root, plan.spec.mapping, schema)

    @classmethod
    def compile(cls, node: Node, source_fields: Sequence[SourceField] = ()) -> Mapping:
        """Compile a mapping file. Errors: MappingError with all findings that hinder its use."""
        spec = read_spec(node)
        if isinstance(spec, list):
            raise MappingError(spec)
        plan = build_plan(spec, node)
        if isinstance(plan, list):
            raise MappingError(plan)
        found = check_plan(plan, source_fields)
        refused = [finding for finding in found if finding.level is Level.REJECTED]
        if refused:
            raise MappingError(refused)
        return cls(plan, found, source_fields)

    @classmethod
    def load(cls, text: str | bytes, source: str, source_fields: Sequence[SourceField] = ()) -> Mapping:
        """Compile the text of a mapping file. Errors: YamlError, MappingError."""
        return cls.compile(load_yaml(text, source), source_fields)

    def read(self, record: Record, context: MappingContext) -> tuple[dict[str, Any], tuple[Finding, ...]]:
        """Give the fields of a canonical document for ``model_validate``, and what did not fit."""
        run = Run(context)
        fields: dict[str, Any] = self._read(record, run)
        return fields, run.told()

    def read_document(
        self, record: Record, context: MappingContext
    ) -> tuple[CanonicalDocument | None, tuple[Finding, ...]]:
        """Give the validated document, or None and why; model errors name the source field, too."""
        run = Run(context)
        fields: dict[str, Any] = self._read(record, run)
        try:
            document = self._model.__pydantic_validator__.validate_python(fields)
        except ValidationError as error:
            self._explain(error, fields, run)
            return None, run.told()
        is_refused = any(finding.level is Level.REJECTED for finding in run.findings)
        return (None if is_refused else document), run.told()

    def read_document_fused(
        self, read: Callable[[Run], dict[str, Any]], record: Callable[[], Record], context: MappingContext
    ) -> tuple[CanonicalDocument | None, tuple[Finding, ...]]:
        """Give the document by a fused reader, or, where anything is odd, by way of the record."""
        run = Run(context)
        try:
            document: CanonicalDocument = self._model.__pydantic_validator__.validate_python(read(run))
        except (IrregularError, UnfitError, ValidationError):
            return self.read_document(record(), context)
        if run.findings or run.left_out:
            return self.read_document(record(), context)
        return document, ()

    def write(
        self, document: CanonicalDocument, context: MappingContext
    ) -> tuple[Record, tuple[Finding, ...]]:
        """Give the source record of a document, and what did not fit. A field without a value is left out."""
        if not isinstance(document, self._model):
            raise TypeError(f"mapping {self.name} writes {self.document_type}, not {document.document_type}")
        run = Run(context)
        record: Record = {}
        self._write(document, record, run)
        return record, run.told()

    def _explain(self, error: ValidationError, fields: MappingOf[str, Any], run: Run) -> None:
        had = any(each.level is Level.REJECTED for each in run.findings)
        for each in error.errors(include_url=False, include_context=False, include_input=False):
            if had and each["type"] == "missing":
                continue  # the field that did not fit is told already
            trail, path = source_of(self._plan.root, fields, each["loc"], run)
            where = ".".join(str(part) for part in each["loc"])
            run.add(
                "MAP-MODEL",
                path,
                f"canonical {where}: {each['msg'][:1].lower()}{each['msg'][1:]}",
                trail=trail,
            )


def _losses(level: LevelNode) -> list[str]:
    found = [f"{leaf.at}: {loss}" for leaf in level.leaves for loss in losses_of(leaf)]
    for group in level.groups:
        found += [f"{group.at}: {loss}" for loss in group_losses(group)]
        found += _losses(group.level)
    return found
