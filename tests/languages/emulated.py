"""Runs the scenario of one language against an emulator of its own, over TLS: `emulated.py BINARY COMMAND…`.

The command gets the emulator's ready line in `UMAPI_EMULATOR_READY`. Each scenario checks its responses. This script checks
in the emulator's journal that the scenario sent the expected requests in the expected order.
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
    # Login: both kinds, and one that is rejected.
    ("requestToken", [200]),
    ("exchangeJwt", [200]),
    ("requestToken", [401]),
    # Pages of users, and of a group whose name must be encoded in the path.
    ("listUsers", [200, 200, 200]),
    ("listUsersInGroup", [200]),
    # Actions with every kind of step, and the resulting users.
    ("executeActions", [200]),
    ("getUser", [200]),
    ("executeActions", [200]),
    ("getUser", [200]),
    ("executeActions", [200, 200, 200]),
    # Errors: an unknown user, and an action with one failing command.
    ("getUser", [404]),
    ("executeActions", [200]),
    # The documented rate limit, and the wait that it requires.
    ("listGroups", [200, 200, 200, 200, 200, 429, 200]),
]


def kinds_of_steps():
    """The steps of users and user groups in the description."""
    schemas = json.loads((ROOT / "spec" / "dist" / "umapi.json").read_text(encoding="utf-8"))["components"]["schemas"]
    roots = {"user": "UserStep", "usergroup": "UserGroupStep"}
    return {(root, step["required"][0]) for root, schema in roots.items() for step in schemas[schema]["oneOf"]}


def check(exchanges):
    """Checks that the journal matches the scenario and contains every kind of step."""
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
    assert not missing, f"these steps of the description were not sent: {sorted(missing)}"


def main():
    binary, *command = sys.argv[1:]
    # The clock is frozen, so that the wait for the rate limit is the same in each run.
    with Emulator(binary, "--no-http", "--frozen", "--page-size", "4", "--check-responses") as emulator:
        environment = {
            **os.environ,
            "UMAPI_EMULATOR_READY": json.dumps(emulator.ready),
            # Node reads its trusted certificates at its start.
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
