"""Typical user code in Python: builds commands and reads responses."""

import json
from pathlib import Path

from ims.models import TokenResponse
from umapi.models import (
    ActionResponse,
    NewFederatedId,
    GroupPage,
    UserCommand,
    UserMemberships,
    UserPage,
)

EXAMPLES = Path(__file__).resolve().parents[3] / "spec" / "examples"


def example(name: str) -> dict[str, object]:
    document: dict[str, object] = json.loads((EXAMPLES / name).read_text(encoding="utf-8"))
    return document


def commands_are_built() -> None:
    create = NewFederatedId(email="jdoe@example.com", firstname="John", lastname="Doe", country="US")
    memberships = UserMemberships(group=["Photoshop"])
    assert create.to_dict()["country"] == "US"
    assert memberships.to_dict() == {"group": ["Photoshop"]}
    command = UserCommand.from_dict({"user": "jdoe@example.com", "do": [{"add": {"group": ["Photoshop"]}}, {"remove": "all"}]})
    assert command.to_dict()["do"] == [{"add": {"group": ["Photoshop"]}}, {"remove": "all"}]


def answers_are_read() -> None:
    page = UserPage.from_dict(example("users-every-type.json"))
    assert page.last_page and [user.email for user in page.users][0] == "ann@gmail.example"
    groups = GroupPage.from_dict(example("groups-every-type.json"))
    assert groups.to_dict() == example("groups-every-type.json")
    partial = ActionResponse.from_dict(example("action-response-partial.json"))
    assert partial.to_dict() == example("action-response-partial.json")
    assert TokenResponse.from_dict(example("ims-token-response.json")).expires_in == 86399


commands_are_built()
answers_are_read()
print("Python: both clients import, type-check in strict mode and read the examples")
