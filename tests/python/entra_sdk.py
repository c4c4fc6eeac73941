"""Reads the fake of Entra ID with Microsoft's own libraries: a fake that they cannot read is wrong.

The argument is the path of the program `fake_directories`.
"""

import asyncio
import json
import subprocess
import sys
import urllib.parse
import urllib.request

import msal
import requests
from kiota_abstractions.authentication import AccessTokenProvider, AllowedHostsValidator, BaseBearerTokenAuthenticationProvider
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.groups.delta.delta_request_builder import DeltaRequestBuilder as GroupDelta
from msgraph.generated.groups.groups_request_builder import GroupsRequestBuilder
from msgraph.generated.groups.item.members.members_request_builder import MembersRequestBuilder
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.users.delta.delta_request_builder import DeltaRequestBuilder as UserDelta
from msgraph.generated.users.users_request_builder import UsersRequestBuilder

LOGIN = "https://login.microsoftonline.com"


class ToFake:
    """Sends the requests of MSAL to the fake, which it would only send to Microsoft by TLS."""

    def __init__(self, fake):
        self.fake = fake

    def get(self, url, **_):
        tenant = f"{LOGIN}/{self.fake['tenant']}"
        assert url.endswith("/.well-known/openid-configuration"), url
        known = {
            "token_endpoint": f"{tenant}/oauth2/v2.0/token",
            "authorization_endpoint": f"{tenant}/oauth2/v2.0/authorize",
            "issuer": f"{tenant}/v2.0",
        }
        response = requests.Response()
        response.status_code, response._content = 200, json.dumps(known).encode()
        return response

    def post(self, url, data=None, headers=None, **_):
        assert url.startswith(LOGIN), url
        return requests.post(url.replace(LOGIN, self.fake["url"]), data=data, headers=headers, timeout=30)

    def close(self):
        pass


class Token(AccessTokenProvider):
    """The token of a login with a secret."""

    def __init__(self, token):
        self.token = token

    async def get_authorization_token(self, uri, additional_authentication_context=None):
        return self.token

    def get_allowed_hosts_validator(self):
        return AllowedHostsValidator([])


def log_in(fake, credential):
    application = msal.ConfidentialClientApplication(
        fake["client"],
        client_credential=credential,
        authority=f"{LOGIN}/{fake['tenant']}",
        instance_discovery=False,
        http_client=ToFake(fake),
    )
    return application.acquire_token_for_client(["https://graph.microsoft.com/.default"])


async def pages(builder, first):
    """All items of a list, and its last page."""
    items, page = [], first
    while True:
        items += page.value
        if page.odata_next_link is None:
            return items, page
        page = await builder.with_url(page.odata_next_link).get()


def value(node):
    """The value of a property that the SDK has no type for."""
    return node.get_value() if hasattr(node, "get_value") else node


def options(kind, **parameters):
    return RequestConfiguration(query_parameters=kind(**parameters))


async def judge(fake):
    certificate = {"private_key": fake["key"], "public_certificate": fake["certificate"], "thumbprint": None}
    certificate = {name: value for name, value in certificate.items() if value}
    logged_in = log_in(fake, certificate)
    assert "access_token" in logged_in, f"the fake refuses the assertion of MSAL: {logged_in}"
    wrong = log_in(fake, "wrong")
    assert wrong["error"] == "invalid_client" and 7000215 in wrong["error_codes"], wrong
    token = log_in(fake, fake["secret"])["access_token"]

    adapter = GraphRequestAdapter(BaseBearerTokenAuthenticationProvider(Token(token)))
    adapter.base_url = fake["url"] + "/v1.0"
    graph = GraphServiceClient(request_adapter=adapter)

    select = ["id", "accountEnabled", "mail", "userPrincipalName", "userType", "usageLocation", "surname"]
    asked = options(UsersRequestBuilder.UsersRequestBuilderGetQueryParameters, select=select, top=3)
    users, _ = await pages(graph.users, await graph.users.get(asked))
    assert len(users) == 10 and len({user.id for user in users}) == 10, users
    assert all(user.account_enabled is True and user.mail and user.user_type == "Member" for user in users)

    asked = options(GroupsRequestBuilder.GroupsRequestBuilderGetQueryParameters, filter="displayName eq 'design'")
    [design] = (await graph.groups.get(asked)).value
    assert design.display_name == "Design", design
    members = graph.groups.by_group_id(design.id).members
    asked = options(MembersRequestBuilder.MembersRequestBuilderGetQueryParameters, top=2)
    found, _ = await pages(members, await members.get(asked))
    kinds = sorted(member.odata_type.rsplit(".", 1)[1] for member in found)
    assert kinds == ["device", "group", "user", "user"], kinds

    for request, status in [
        (graph.groups.by_group_id("bbbbbbbb-0000-4000-8000-999999999999").get(), 404),
        (graph.users.get(options(UsersRequestBuilder.UsersRequestBuilderGetQueryParameters, select=["nothing"])), 400),
        (graph.users.get(options(UsersRequestBuilder.UsersRequestBuilderGetQueryParameters, top=1000)), 400),
        (graph.users.delta.with_url(fake["url"] + "/v1.0/users/delta?$deltatoken=x").get(), 400),
    ]:
        try:
            raise AssertionError(f"no error {status}: {await request}")
        except ODataError as error:
            assert error.response_status_code == status and error.error.code and error.error.message, error

    # What changed: from the beginning, and since a moment.
    asked = options(UserDelta.DeltaRequestBuilderGetQueryParameters, select=select)
    all_users, users_end = await pages(graph.users.delta, await graph.users.delta.get(asked))
    assert len(all_users) == 10 and users_end.odata_delta_link
    asked = options(GroupDelta.DeltaRequestBuilderGetQueryParameters, select=["displayName", "members"])
    all_groups, groups_end = await pages(graph.groups.delta, await graph.groups.delta.get(asked))
    of_group = {group.display_name: group.additional_data.get("members@delta", []) for group in all_groups}
    assert sorted(of_group) == ["Design", "Film", "Interns", "Nobody"], of_group
    kinds = sorted(value(value(member)["@odata.type"]) for member in value(of_group["Design"]))
    assert kinds == [f"#microsoft.graph.{kind}" for kind in ["device", "group", "user", "user"]], kinds

    urllib.request.urlopen(urllib.request.Request(fake["url"] + "/fake/change", method="POST", data=b"")).read()
    changed, _ = await pages(graph.users.delta, await graph.users.delta.with_url(users_end.odata_delta_link).get())
    removed = [user for user in changed if "@removed" in user.additional_data]
    assert len(changed) == 7 and len(removed) == 2, changed
    assert all(user.mail for user in changed if user not in removed)
    groups, _ = await pages(graph.groups.delta, await graph.groups.delta.with_url(groups_end.odata_delta_link).get())
    assert {group.id[-1] for group in groups} == {"1", "3"}, groups

    # The address of a page keeps what was asked for.
    link = (await graph.users.get(options(UsersRequestBuilder.UsersRequestBuilderGetQueryParameters, top=3))).odata_next_link
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)
    assert query["$top"] == ["3"] and "$skiptoken" in query, link
    print("Microsoft's SDK and MSAL read the fake of Entra ID: logins, users, groups, members, deltas, errors")


fakes = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
try:
    asyncio.run(judge(json.loads(fakes.stdout.readline())["entra"]))
finally:
    fakes.stdin.close()
    fakes.wait(timeout=30)
