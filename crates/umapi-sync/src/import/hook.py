
import csv
import json
import logging
import re
import sys

PREFIX = "adobe:"


def value(row, field):
    return (row.get(COLUMNS[field]) or "").strip() or None


def people(path):
    with open(path, newline="", encoding=ENCODING) as file:
        if DELIMITER:
            return list(csv.DictReader(file, delimiter=DELIMITER, strict=True))
        head = file.readline()
        file.seek(0)
        found = max("\t,;", key=head.count)
        return list(csv.DictReader(file, delimiter=found, strict=True))


def main():
    # The output is for umapi: whatever the hook prints is a message.
    output, sys.stdout = sys.stdout, sys.stderr
    output.reconfigure(encoding="utf-8")
    code = compile(HOOK, "after_mapping_hook", "exec")
    logging.basicConfig(stream=sys.stderr)
    scope = {"logger": logging.getLogger("hook"), "hook_storage": None}
    for name in MAPPING:
        print(json.dumps({"group": name}), file=output)
    for name in TARGETS:
        print(json.dumps({"group": PREFIX + name}), file=output)
    for row in people(sys.argv[1]):
        email = value(row, "email")
        if email is None or "@" not in email:
            print(json.dumps({"gap": "a row has no email address"}), file=output)
            continue
        groups = [name.strip() for name in (value(row, "groups") or "").split(",") if name.strip()]
        for name in [name for name in groups if name.startswith(PREFIX)]:
            print(f"the group {name} is left out: names that begin with {PREFIX} are those of Adobe", file=sys.stderr)
            groups.remove(name)
        fields = {name: value(row, name) for name in ("email", "username", "domain", "firstname", "lastname", "country")}
        identity = fields["username"] or email
        fields["username"] = identity
        if identity != email:
            fields["domain"] = fields["domain"] or email.partition("@")[2]
        scope["source_attributes"] = {name: text or None for name, text in row.items() if name is not None}
        scope["source_groups"] = set(groups)
        scope["target_groups"] = {target for group in groups for target in MAPPING.get(group, [])}
        scope["target_attributes"] = fields
        exec(code, scope)
        unknown = set(scope["target_groups"]) - set(TARGETS)
        for name in sorted(unknown):
            print(f"the hook gives {name}, which extended_adobe_groups does not name; ignored", file=sys.stderr)
        # As in user-sync, patterns come after the hook.
        made = {re.sub(rule, to, name) for name in groups for rule, to in ADDITIONAL if re.match(rule, name)}
        given = sorted(set(scope["target_groups"]) - unknown | made)
        person = {name: text for name, text in scope["target_attributes"].items() if text is not None}
        kind = value(row, "type")
        if kind:
            person["type"] = kind
        person["id"] = identity
        person["groups"] = groups + [PREFIX + name for name in given]
        print(json.dumps(person), file=output)
    print(json.dumps({"complete": True}), file=output)


if __name__ == "__main__":
    main()
