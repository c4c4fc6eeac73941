"""Reads the fake of Okta with Okta's own SDK: a fake that the SDK cannot read is wrong.

The argument is the path of the program `fake_directories`.
"""

import asyncio
import json
import os
import subprocess
import sys

from okta.client import Client
from okta.pagination import PaginationHelper

fakes = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
fake = json.loads(fakes.stdout.readline())["okta"]
os.environ["OKTA_TESTING_TESTINGDISABLEHTTPSCHECK"] = "true"  # The fake is on this machine.
common = {"orgUrl": fake["url"], "rateLimit": {"maxRetries": 0}}
with_token = Client({**common, "token": fake["token"]})
with_key = Client(
    {
        **common,
        "authorizationMode": "PrivateKey",
        "clientId": fake["client"],
        "privateKey": fake["key"],
        "scopes": ["okta.users.read", "okta.groups.read"],
    }
)


async def read(call, *arguments, **options):
    """Reads all pages of a list. Returns its entries and the number of pages."""
    entries, pages, after = [], 0, None
    while True:
        page, response, error = await call(*arguments, limit=2, after=after, **options)
        assert error is None, error
        entries += page
        pages += 1
        after = PaginationHelper.extract_next_cursor(response.headers)
        if after is None:
            return entries, pages


async def main():
    for client in (with_token, with_key):
        users, pages = await read(client.list_users)
        assert len(users) == 10 and pages == 5, (len(users), pages)
        assert [user.profile.email for user in users[:2]] == ["p0@example.com", "p1@example.com"]
        assert {user.status.value for user in users} == {"ACTIVE"}
        groups, pages = await read(client.list_groups)
        assert pages == 2, pages
        names = {group.id: group.profile.actual_instance.name for group in groups}
        assert sorted(names.values()) == ["Design", "Film", "Nobody"], names
        sizes = {}
        for group in groups:
            members, _ = await read(client.list_group_users, group.id)
            sizes[names[group.id]] = len(members)
        assert sizes == {"Design": 3, "Film": 5, "Nobody": 0}, sizes
        since = users[0].last_updated.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        changed, _ = await read(client.list_users, filter=f'lastUpdated gt "{since}"')
        assert changed == [], changed
        changed, _ = await read(client.list_users, filter='lastUpdated gt "2020-01-01T00:00:00.000Z"')
        assert len(changed) == 10
        condition = 'lastUpdated gt "2020-01-01T00:00:00.000Z" or lastMembershipUpdated gt "2020-01-01T00:00:00.000Z"'
        changed, _ = await read(client.list_groups, filter=condition)
        assert len(changed) == 3
    _, _, error = await with_token.list_users(filter="nonsense")
    assert (error.status, error.error_code) == (400, "E0000031"), error
    _, _, error = await with_token.list_group_users("00g9")
    assert (error.status, error.error_code) == (404, "E0000007"), error


try:
    asyncio.run(main())
finally:
    fakes.stdin.close()
print("the SDK of Okta reads the fake: users, groups, members, deltas, with a token and with a key")
