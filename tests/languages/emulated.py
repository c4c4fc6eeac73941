"""Runs the scenario of one language against an emulator of its own, over TLS: `emulated.py BINARY COMMAND…`.

The command finds the line of JSON that the emulator printed in `UMAPI_EMULATOR_READY`. Each scenario asserts what it gets.
What all of them must have sent, in this order, is held against the emulator's journal here.
"""

import json
import os
import subprocess
import sys
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "python"))
from emulator import Emulator  # noqa: E402

SCENARIO = [
    # Login: both kinds, and one that is refused.
    ("requestToken", [200]),
    ("exchangeJwt", [200]),
    ("requestToken", [401]),
    # Pages of users, and of a group whose name must be encoded in the path.
    ("listUsers", [200, 200, 200]),
    ("listUsersInGroup", [200]),
    # Actions with every kind of step, and what became of the users.
    ("executeActions", [200]),
    ("getUser", [200]),
    ("executeActions", [200]),
    ("getUser", [200]),
    ("executeActions", [200, 200, 200]),
    # Errors: no such user, and an action of which one command fails.
    ("getUser", [404]),
    ("executeActions", [200]),
    # The documented limit, and the wait that it asks for.
    ("listGroups", [200, 200, 200, 200, 200, 429, 200]),
]


def kinds_of_steps():
    """The steps that the description has, of users and of user groups."""
    schemas = json.loads((ROOT / "spec" / "dist" / "umapi.json").read_text(encoding="utf-8"))["components"]["schemas"]
    roots = {"user": "UserStep", "usergroup": "UserGroupStep"}
    return {(root, step["required"][0]) for root, schema in roots.items() for step in schemas[schema]["oneOf"]}


def check(exchanges):
    """The journal is that of the scenario, and every kind of step is in it."""
    calls = [
        (operation, [call["status"] for call in run])
        for operation, run in groupby(exchanges, key=lambda call: call.get("operation", "unknown"))
    ]
    assert calls == SCENARIO, f"expected {SCENARIO}\n     got {calls}"
    sent = set()
    for call in exchanges:
        if call["operation"] == "executeActions":
            for command in json.loads(call["body"]):
                root = "user" if "user" in command else "usergroup"
                sent |= {(root, kind) for step in command["do"] for kind in step}
    missing = kinds_of_steps() - sent
    assert not missing, f"the description has steps that were not sent: {sorted(missing)}"


def main():
    binary, *command = sys.argv[1:]
    # The clock stands still, so that the wait of the limit is the same in each run.
    with Emulator(binary, "--no-http", "--frozen", "--page-size", "4", "--check-responses") as emulator:
        environment = {
            **os.environ,
            "UMAPI_EMULATOR_READY": json.dumps(emulator.ready),
            # What node trusts, it reads when it starts.
            "NODE_EXTRA_CA_CERTS": emulator.ca_path,
        }
        status = subprocess.run(command, env=environment, check=False).returncode
        violations = emulator.manage("GET", "/violations")["violations"]
        assert not violations, violations
        if status == 0:
            check(emulator.manage("GET", "/journal")["exchanges"])
    sys.exit(status)


if __name__ == "__main__":
    main()
