"""JSON schemas made from Azure's published swagger."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

KEPT_KEYWORDS = (
    "type",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "format",
)


@dataclass(slots=True)
class Specs:
    """The swagger files of one api-version, and JSON schemas made from them on demand."""

    folder: Path
    files: dict[Path, Any] = field(default_factory=dict)
    definitions: dict[str, Any] = field(default_factory=dict)

    def file(self, path: Path) -> Any:
        path = path.resolve()
        if path not in self.files:
            self.files[path] = json.loads(path.read_text(encoding="utf-8"))
        return self.files[path]

    def resolve(self, ref: str, file: Path) -> tuple[Path, str, Any]:
        """File, name and content that a `$ref` in `file` points to."""
        target, _, pointer = ref.partition("#")
        path = (file.parent / target).resolve() if target else file
        content = self.file(path)
        parts = [unquote(part) for part in pointer.strip("/").split("/")]
        for part in parts:
            content = content[part]
        return path, parts[-1], content


@dataclass(frozen=True, slots=True)
class SchemaMaker:
    """Swagger 2 -> JSON schema 2020-12, with closed objects and discriminators followed."""

    specs: Specs
    request: bool

    def make(self, schema: Mapping[str, Any], file: Path) -> dict[str, Any]:
        """A schema for a property, an item or a body."""
        if "$ref" in schema:
            path, name, content = self.specs.resolve(schema["$ref"], file)
            made = {"$ref": f"#/$defs/{self._closed(path, name, content)}"}
        elif "allOf" in schema or "properties" in schema:
            made = self._close(self._plain(schema, file), schema, file)
        else:
            made = self._plain(schema, file)
        return {"anyOf": [made, {"type": "null"}]} if schema.get("x-nullable") else made

    def _key(self, path: Path, name: str, kind: str) -> str:
        way = "request" if self.request else "answer"
        folder = "common" if "common-types" in path.parts else path.parent.name
        key = f"{folder}.{path.stem}.{name}.{kind}.{way}"
        return key.replace("/", "~1")

    def _closed(self, path: Path, name: str, content: Mapping[str, Any]) -> str:
        key = self._key(path, name, "closed")
        if key not in self.specs.definitions:
            self.specs.definitions[key] = {}  # stands while a definition that holds itself is made
            plain = {"$ref": f"#/$defs/{self._open(path, name, content)}"}
            self.specs.definitions[key] = self._close(plain, content, path, name)
        return key

    def _open(self, path: Path, name: str, content: Mapping[str, Any]) -> str:
        key = self._key(path, name, "open")
        if key not in self.specs.definitions:
            self.specs.definitions[key] = {}
            self.specs.definitions[key] = self._plain(content, path)
        return key

    def _close(
        self, plain: dict[str, Any], content: Mapping[str, Any], file: Path, name: str = ""
    ) -> dict[str, Any]:
        parts: list[dict[str, Any]] = [plain]
        discriminator = content.get("discriminator")
        if discriminator:
            children = dict(self._children(file, name))
            for value, child in children.items():
                match = {
                    "properties": {discriminator: {"const": value}},
                    "required": [discriminator],
                }
                opened = self._open(file, child, self.specs.file(file)["definitions"][child])
                parts.append({"if": match, "then": {"$ref": f"#/$defs/{opened}"}})
            if children:
                parts.append({"properties": {discriminator: {"enum": list(children)}}})
        if not self._has_properties(content, file) and not discriminator:
            return plain
        return {"allOf": parts, "unevaluatedProperties": False}

    def _children(self, file: Path, base: str) -> Iterator[tuple[str, str]]:
        """Discriminator values and names of all definitions that derive from `base`."""
        for name, content in self.specs.file(file)["definitions"].items():
            parents = [part.get("$ref", "") for part in content.get("allOf", [])]
            if f"#/definitions/{base}" in parents:
                if "x-ms-discriminator-value" in content or "discriminator" not in content:
                    yield content.get("x-ms-discriminator-value", name), name
                yield from self._children(file, name)

    def _has_properties(self, content: Mapping[str, Any], file: Path) -> bool:
        if content.get("properties"):
            return True
        for part in content.get("allOf", []):
            if "$ref" in part:
                path, _, parent = self.specs.resolve(part["$ref"], file)
                if self._has_properties(parent, path):
                    return True
            elif self._has_properties(part, file):
                return True
        return content.get("additionalProperties") is False

    def _plain(self, schema: Mapping[str, Any], file: Path) -> dict[str, Any]:
        made: dict[str, Any] = {key: schema[key] for key in KEPT_KEYWORDS if key in schema}
        for bound in ("minimum", "maximum"):
            if bound in schema:
                strict = schema.get(f"exclusive{bound.capitalize()}") is True
                made[f"exclusive{bound.capitalize()}" if strict else bound] = schema[bound]
        properties = schema.get("properties", {})
        if properties:
            made["properties"] = {
                name: self._property(content, file) for name, content in properties.items()
            }
        required = [
            name
            for name in schema.get("required", [])
            if not (self.request and properties.get(name, {}).get("readOnly"))
        ]
        if required:
            made["required"] = required
        if isinstance(schema.get("additionalProperties"), dict):
            made["additionalProperties"] = self.make(schema["additionalProperties"], file)
        if "items" in schema:
            made["items"] = self.make(schema["items"], file)
        parents = []
        for part in schema.get("allOf", []):
            if "$ref" in part:
                path, name, content = self.specs.resolve(part["$ref"], file)
                parents.append({"$ref": f"#/$defs/{self._open(path, name, content)}"})
            else:
                parents.append(self._plain(part, file))
        if parents:
            made["allOf"] = parents
        return made

    def _property(self, content: Mapping[str, Any], file: Path) -> dict[str, Any]:
        if self.request and content.get("readOnly"):
            return {"not": {}}  # read-only: an answer may hold it, a request must not
        return self.make(content, file)
