"""Reads every example of the descriptions with the models of datamodel-code-generator: `datamodel.py BUNDLES`."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel, SecretStr, TypeAdapter, ValidationError

import ims
import umapi


def examples(value: Any) -> Iterator[tuple[str, Any]]:
    """The name of the schema and the value of each example of a body."""
    if isinstance(value, dict):
        schema = value.get("schema", {}).get("$ref", "") if isinstance(value.get("schema"), dict) else ""
        if schema and "examples" in value:
            for example in value["examples"].values():
                yield schema.rpartition("/")[2], example["value"]
        for child in value.values():
            yield from examples(child)
    elif isinstance(value, list):
        for child in value:
            yield from examples(child)


def read(models: ModuleType, bundle: Path) -> int:
    count = 0
    for name, value in examples(json.loads(bundle.read_text(encoding="utf-8"))):
        reader: TypeAdapter[Any] = TypeAdapter(getattr(models, name))
        fields = reader.dump_python(reader.validate_python(value), by_alias=True, exclude_unset=True)
        again = json.loads(json.dumps(fields, default=SecretStr.get_secret_value))
        assert again == value, f"{name}\n     got {again}\nexpected {value}"
        count += 1
    return count


def commands_are_built() -> None:
    step = umapi.UserStep(umapi.RemoveMembershipsStep(remove=umapi.UserRemoval(umapi.AllMemberships.all)))
    command = umapi.UserCommand(user=umapi.UserIdentifier("jdoe@example.com"), do=[step])
    expected = {"user": "jdoe@example.com", "do": [{"remove": "all"}]}
    assert command.model_dump(mode="json", exclude_unset=True) == expected
    wrong: list[tuple[type[BaseModel], Any]] = [
        (umapi.UserStep, {"levitate": {}}),
        (umapi.UserStep, {"createFederatedID": {"email": "a@b.c", "firstname": "A", "lastname": "B"}}),
        (umapi.UserCommand, {"user": "jdoe@example.com", "do": []}),
    ]
    for model, value in wrong:
        try:
            model.model_validate(value)
        except ValidationError:
            continue
        raise AssertionError(f"{model.__name__} accepts {value}")


bundles = Path(sys.argv[1])
count = read(umapi, bundles / "umapi.json") + read(ims, bundles / "ims.json")
assert count >= 50, f"only {count} examples were found"
commands_are_built()
print(f"datamodel-code-generator: models type-check in strict mode and read all {count} examples")
