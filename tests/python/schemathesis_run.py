"""Checks the running emulator against the description with Schemathesis: all operations, all checks.

    schemathesis_run.py BINARY SCHEMATHESIS [--cases N] [options of schemathesis]

Logs in first, and runs with the token in the headers. At the end, the emulator itself must report no response that
violates the description.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

from emulator import Emulator

DESCRIPTION = "spec/dist/umapi.json"

# `schemathesis_hooks.py` wraps two checks.
WRAPPED = "content_type_conformance,response_schema_conformance"

CONFIG = """
# A 200 response reports the errors of single commands.
[[operations]]
include-operation-id = "executeActions"
[operations.checks]
negative_data_rejection.expected-statuses = ["200", "4xx", "5xx"]

# A duplicate name, an unknown user or group, and a read-only group cause a 400 here.
[[operations]]
include-operation-id = [
    "createUserGroup", "updateUserGroup", "updateUserGroupRights", "deleteUserGroup", "updateProductRights",
    "updateProductAdmins", "updateConfigurationRights",
]
[operations.checks]
positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404", "429"]
"""


def known_names(emulator, token):
    """Existing objects, by their names in the description: schemas of names, and numeric parameters."""
    def get(path):
        url = f"{emulator.ready['umUrl']}/{path}"
        headers = {"Authorization": f"Bearer {token}", "X-Api-Key": emulator.credentials["clientId"]}
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
            return json.load(answer)

    org = emulator.organization
    groups = get(f"groups/{org}/0")["groups"]
    products = get(f"{org}/products")
    product = products[0]["id"]
    users = ["jdoe@example.com", "ann@mail.example", "bob@enterprise.example", "lee", "locked@example.com"]
    schemas = {
        "GroupName": [group["groupName"] for group in groups],
        "UserIdentifier": users,
        "EmailAddress": users,
        "DomainName": ["example.com", "enterprise.example", "usernames.example"],
    }
    parameters = {
        "groupId": [group["groupId"] for group in groups],
        "productId": [product],
        "configId": [each["id"] for each in get(f"{org}/products/{product}/configurations")["licenseConfigurations"]],
    }
    return schemas, parameters


def narrowed(organization, known):
    """The description, limited to the organization that the token is valid for. It prefers existing objects to random ones.

    The enumerations are open, because responses may have unlisted values. In the parameters of a request, such a value is
    an error.
    """
    description = json.loads(Path(DESCRIPTION).read_text())
    schemas = description["components"]["schemas"]
    schemas["OrganizationId"]["enum"] = [organization]
    known_schemas, known_parameters = known
    for name, values in known_schemas.items():
        schemas[name] = {"anyOf": [{"enum": values}, schemas[name]]}
    # Names of new groups: letters of every script, no control characters.
    new_name = {"pattern": "^[^_\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]*$"}
    schemas["NewUserGroup"]["properties"]["name"] = {"allOf": [{"$ref": "#/components/schemas/GroupName"}, new_name]}
    parameters = list(description["components"]["parameters"].values())
    for path in description["paths"].values():
        parameters += path.get("parameters", [])
        parameters += [each for method in path.values() if isinstance(method, dict) for each in method.get("parameters", [])]
    for parameter in parameters:
        schema = parameter.get("schema", {})
        named = schemas.get(schema.get("$ref", "").removeprefix("#/components/schemas/"), schema)
        if "x-extensible-enum" in named:
            parameter["schema"] = {**named, "enum": named["x-extensible-enum"]}
        if parameter.get("name") in known_parameters:
            parameter["schema"] = {"anyOf": [{"enum": known_parameters[parameter["name"]]}, schema]}
    return description


def log_in(emulator):
    """An access token from the OAuth Server-to-Server login."""
    fields = {
        "grant_type": "client_credentials",
        "client_id": emulator.credentials["clientId"],
        "client_secret": emulator.credentials["clientSecret"],
        "scope": emulator.credentials["scopes"],
    }
    url = emulator.ready["imsUrl"] + "/ims/token/v3"
    with urllib.request.urlopen(url, urllib.parse.urlencode(fields).encode(), timeout=60) as answer:
        return json.load(answer)["access_token"]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("binary")
    arguments.add_argument("schemathesis")
    arguments.add_argument("--cases", default="60", help="test cases per operation")
    given, more = arguments.parse_known_args()
    with Emulator(given.binary, "--limits", "off", "--check-responses", "--page-size", "4") as emulator:
        with tempfile.TemporaryDirectory() as folder:
            description, config = Path(folder, "umapi.json"), Path(folder, "schemathesis.toml")
            token = log_in(emulator)
            known = known_names(emulator, token)
            description.write_text(json.dumps(narrowed(emulator.organization, known)))
            config.write_text(CONFIG)
            run = subprocess.run(
                [
                    Path(given.schemathesis).absolute(), "--config-file", str(config), "run", str(description),
                    "--url", emulator.ready["umUrl"],
                    "--header", f"Authorization: Bearer {token}",
                    "--header", f"X-Api-Key: {emulator.credentials['clientId']}",
                    "--max-examples", given.cases, "--seed", "42",
                    "--checks", "all", "--exclude-checks", WRAPPED, *more,
                ],
                cwd=folder,
                env={**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(Path(__file__).parent)},
            )
        violations = emulator.manage("GET", "/violations")["violations"]
        for violation in violations:
            print("the emulator violated the description:", violation)
    sys.exit(run.returncode or bool(violations))


if __name__ == "__main__":
    main()
