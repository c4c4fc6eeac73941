"""Sends memberships with PyPI's umapi-client, like a typical caller, and counts the requests.

Standard input is JSON lines, one per user: {"user": …, "groups": […]}, with "create": true for a user to create.
"""

import json
import sys

import umapi_client

import peer

parser = peer.arguments(__doc__)
parser.add_argument("--per", choices=("user", "group"), required=True)
given = parser.parse_args()
connection = peer.connect(given)
posts = 0


def count(response, *_args, **_named):
    global posts
    posts += response.request.method == "POST"


connection.session.hooks["response"].append(count)
wanted = [json.loads(line) for line in sys.stdin]
watch = peer.Stopwatch()

completed = 0


def send(action: umapi_client.Action) -> None:
    global completed
    completed += connection.execute_single(action)[2]


if given.per == "user":
    # One action per user, like user-sync.py.
    for entry in wanted:
        action = umapi_client.UserAction(entry["user"])
        if entry.get("create"):
            action.create(entry["user"], "First", "Last", id_type="adobeID")
        send(action.add_to_groups(entry["groups"]))
else:
    # One action per group with its users in lists of ten, which the caller has to split.
    members: dict[str, list[str]] = {}
    for entry in wanted:
        for group in entry["groups"]:
            members.setdefault(group, []).append(entry["user"])
    for group, users in members.items():
        action = umapi_client.GroupAction(group)
        for start in range(0, len(users), 10):
            action.add_users(users[start : start + 10])
        send(action)
completed += connection.execute_queued()[2]
watch.report(requests=posts, completed=completed)
