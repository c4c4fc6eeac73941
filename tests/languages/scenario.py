"""A session with the service, from the login to an exceeded rate limit, with the generated clients.

`scenario.mts` and `scenario_test.go` do the same in the same order. `emulated.py` starts it.
"""

import json
import os
import ssl
import time
from typing import Any
from unittest import TestCase
from urllib.parse import urlsplit

import httpx
import ims
import jwt
import umapi
from ims.api.login import exchange_jwt, request_token
from ims.models import JwtExchangeRequest, JwtTokenResponse, LoginError, TokenRequest, TokenResponse
from umapi.api.actions import execute_actions
from umapi.api.groups import list_groups
from umapi.api.users import get_user, list_users, list_users_in_group
from umapi.models import (
    ActionResponse,
    AddAdobeIdStep,
    AddMembershipsStep,
    AddMembersStep,
    AddRolesStep,
    CreateEnterpriseIdStep,
    CreateFederatedIdStep,
    CreateUserGroupStep,
    DeleteUserGroupStep,
    DomainRemoval,
    GatewayError,
    GroupPage,
    GroupUserPage,
    NewAdobeId,
    NewEnterpriseId,
    NewFederatedId,
    OrgRemoval,
    PasswordReset,
    RemoveFromDomainStep,
    RemoveFromOrgStep,
    RemoveMembershipsStep,
    RemoveMembersStep,
    RemoveRolesStep,
    ResetPasswordStep,
    RoleLists,
    ServiceError,
    UpdateStep,
    UpdateUserGroupStep,
    User,
    UserCommand,
    UserGroupCommand,
    UserGroupCreation,
    UserGroupDeletion,
    UserGroupMembers,
    UserGroupUpdate,
    UserMemberships,
    UserPage,
    UserResponse,
    UserUpdate,
)

READY: dict[str, Any] = json.loads(os.environ["UMAPI_EMULATOR_READY"])
ORGANIZATION: str = READY["organization"]
CREDENTIALS: dict[str, str] = READY["credentials"]
TRUST = ssl.create_default_context(cafile=READY["caPath"])

expect = TestCase()


def client_with(token: str) -> umapi.AuthenticatedClient:
    headers = {"X-Api-Key": CREDENTIALS["clientId"]}
    return umapi.AuthenticatedClient(READY["umHttpsUrl"], token, headers=headers, verify_ssl=TRUST)


def both_logins() -> tuple[str, str]:
    """The access tokens of an OAuth login and a JWT login."""
    login = ims.Client(READY["imsHttpsUrl"], verify_ssl=TRUST)
    request = TokenRequest("client_credentials", CREDENTIALS["clientId"], CREDENTIALS["clientSecret"], CREDENTIALS["scopes"])
    oauth = request_token.sync_detailed(client=login, body=request)
    assert isinstance(oauth.parsed, TokenResponse), oauth
    # Seconds here, milliseconds below.
    expect.assertEqual((oauth.status_code, oauth.parsed.token_type, oauth.parsed.expires_in), (200, "bearer", 86_400))

    host = urlsplit(READY["imsHttpsUrl"]).netloc
    claims = {
        "exp": int(time.time()) + 600,
        "iss": ORGANIZATION,
        "sub": CREDENTIALS["technicalAccountId"],
        "aud": f"https://{host}/c/{CREDENTIALS['clientId']}",
        f"https://{host}/s/ent_user_sdk": True,
    }
    signed = jwt.encode(claims, CREDENTIALS["privateKey"], "RS256")
    exchange = JwtExchangeRequest(CREDENTIALS["clientId"], CREDENTIALS["clientSecret"], signed)
    exchanged = exchange_jwt.sync_detailed(client=login, body=exchange)
    assert isinstance(exchanged.parsed, JwtTokenResponse), exchanged
    expect.assertEqual((exchanged.status_code, exchanged.parsed.expires_in), (200, 86_400_000))

    request.client_secret = "wrong"
    refused = request_token.sync_detailed(client=login, body=request)
    assert isinstance(refused.parsed, LoginError), refused
    expect.assertEqual((refused.status_code, refused.parsed.error), (401, "invalid_client"))
    return oauth.parsed.access_token, exchanged.parsed.access_token


def pages_of_users(client: umapi.AuthenticatedClient) -> None:
    users: list[User] = []
    for number, size in enumerate([4, 4, 1]):
        page = list_users.sync_detailed(ORGANIZATION, number, client=client, x_request_id=f"page-{number}")
        assert isinstance(page.parsed, UserPage), page
        expect.assertEqual((page.status_code, page.parsed.result, page.parsed.last_page), (200, "success", number == 2))
        names = ["X-Request-Id", "X-Total-Count", "X-Page-Count", "X-Current-Page", "X-Page-Size"]
        # Technical accounts are counted, but not listed.
        expect.assertEqual([page.headers[name] for name in names], [f"page-{number}", "10", "3", str(number), str(size)])
        users += page.parsed.users
    bob = next(user for user in users if user.email == "bob@enterprise.example")
    expect.assertEqual((len(users), bob.lastname, bob.type_, bob.status), (9, "佐藤", "enterpriseID", "active"))

    members = list_users_in_group.sync(ORGANIZATION, 0, "R&D / Labs (100 %)", client=client)
    assert isinstance(members, GroupUserPage), members
    expect.assertEqual([(user.username, user.domain) for user in members.users], [("lee", "usernames.example")])


def run(
    client: umapi.AuthenticatedClient, *commands: UserCommand | UserGroupCommand, test_only: bool = False
) -> ActionResponse:
    answer = execute_actions.sync_detailed(ORGANIZATION, client=client, body=list(commands), test_only=test_only)
    assert isinstance(answer.parsed, ActionResponse), answer
    return answer.parsed


def counts(answer: ActionResponse) -> tuple[str, Any, Any, Any]:
    return answer.result, answer.completed, answer.not_completed, answer.completed_in_test_mode


def user(client: umapi.AuthenticatedClient, name: str) -> User:
    answer = get_user.sync(ORGANIZATION, name, client=client)
    assert isinstance(answer, UserResponse) and isinstance(answer.user, User), answer
    return answer.user


def every_kind_of_step(client: umapi.AuthenticatedClient) -> None:
    joined = run(
        client,
        UserCommand(
            "zoe@mail.example",
            [
                AddAdobeIdStep(NewAdobeId("zoe@mail.example", option="ignoreIfAlreadyExists")),
                AddMembershipsStep(UserMemberships(["Photoshop", "_admin_Design"])),
            ],
            use_adobe_id=True,
        ),
        UserCommand(
            "yan@enterprise.example",
            [
                CreateEnterpriseIdStep(NewEnterpriseId("yan@enterprise.example", "Yan", "Before")),
                UpdateStep(UserUpdate(lastname="Müller-李")),
            ],
        ),
        UserCommand(
            "xin@federated.example",
            [
                CreateFederatedIdStep(NewFederatedId("xin@federated.example", "Xin", "Wang", "CN")),
                AddMembershipsStep(UserMemberships(["Sales", "R&D / Labs (100 %)"])),
                RemoveMembershipsStep(UserMemberships(["Sales"])),
            ],
        ),
        UserGroupCommand(
            "Layout",
            [
                CreateUserGroupStep(UserGroupCreation(description="Pages", option="updateIfAlreadyExists")),
                AddMembersStep(UserGroupMembers(["jdoe@example.com", "jane@example.com"], ["Photoshop", "All Apps"])),
                RemoveMembersStep(UserGroupMembers(["jane@example.com"], ["All Apps"])),
            ],
        ),
    )
    expect.assertEqual(counts(joined), ("success", 4, 0, 0))
    expect.assertFalse(joined.errors or joined.warnings, joined)
    expect.assertEqual(user(client, "xin@federated.example").groups, ["R&D / Labs (100 %)"])

    deprecated = run(
        client,
        UserCommand(
            "yan@enterprise.example",
            [
                AddMembershipsStep(UserMemberships(product=["Photoshop"], product_configuration=["All Apps"], usergroup=["Design"])),
                AddRolesStep(RoleLists(["Design", "Sales"], ["Adobe Photoshop"])),
                RemoveRolesStep(RoleLists(["Sales"])),
                ResetPasswordStep(PasswordReset()),
            ],
        ),
        UserCommand("xin@federated.example", [RemoveFromDomainStep(DomainRemoval("federated.example"))]),
        UserGroupCommand("Layout", [AddMembersStep(UserGroupMembers(users=["jane@example.com"], product=["All Apps"]))]),
    )
    expect.assertEqual(counts(deprecated), ("success", 3, 0, 0))
    # One warning per deprecated key: three in the first step, two in the last.
    warnings = [(each.index, each.step, each.warning_code) for each in deprecated.warnings or []]
    places = [(0, 0), (0, 0), (0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (2, 0), (2, 0)]
    expect.assertEqual(warnings, [(index, step, "warning.command.deprecated") for index, step in places])
    yan = user(client, "yan@enterprise.example")
    expect.assertEqual(yan.lastname, "Müller-李")
    expect.assertEqual(
        sorted(yan.groups or []), ["All Apps", "Design", "Photoshop", "_admin_Design", "_product_admin_Adobe Photoshop"]
    )

    left = run(
        client,
        UserCommand("zoe@mail.example", [RemoveMembershipsStep("all"), RemoveFromOrgStep(OrgRemoval(delete_account=False))]),
        UserCommand("yan@enterprise.example", [RemoveFromOrgStep(OrgRemoval(delete_account=True))]),
        UserGroupCommand(
            "Layout", [RemoveMembersStep("all"), UpdateUserGroupStep(UserGroupUpdate("Print", "Pages, on paper"))]
        ),
    )
    expect.assertEqual(counts(left), ("success", 3, 0, 0))
    deletion = UserGroupCommand("Print", [DeleteUserGroupStep(UserGroupDeletion())])
    expect.assertEqual(counts(run(client, deletion, test_only=True)), ("success", 0, 0, 1))
    expect.assertEqual(counts(run(client, deletion)), ("success", 1, 0, 0))


def errors(client: umapi.AuthenticatedClient) -> None:
    gone = get_user.sync_detailed(ORGANIZATION, "yan@enterprise.example", client=client)
    assert isinstance(gone.parsed, ServiceError), gone
    expect.assertEqual((gone.status_code, gone.parsed.result), (404, "error.user.not_found"))

    partial = run(
        client,
        UserCommand("jdoe@example.com", [AddMembershipsStep(UserMemberships(["Sales"]))], request_id="good"),
        UserCommand(
            "jane@example.com",
            [AddMembershipsStep(UserMemberships(["Design"])), AddMembershipsStep(UserMemberships(["No such group"]))],
            request_id="bad",
        ),
    )
    expect.assertEqual(counts(partial), ("partial", 1, 1, 0))
    found = [(each.index, each.step, each.error_code, each.request_id, each.user) for each in partial.errors or []]
    expect.assertEqual(found, [(1, 1, "error.group.not_found", "bad", "jane@example.com")])


def a_limit(client: umapi.AuthenticatedClient) -> None:
    for _ in range(5):
        page = list_groups.sync(ORGANIZATION, 0, client=client)
        assert isinstance(page, GroupPage) and page.last_page, page
    throttled = list_groups.sync_detailed(ORGANIZATION, 0, client=client)
    assert isinstance(throttled.parsed, GatewayError), throttled
    expect.assertEqual((throttled.status_code, throttled.parsed.error_code), (429, "429050"))
    wait = int(throttled.headers["Retry-After"])
    expect.assertEqual(wait, 60)
    httpx.post(READY["managementUrl"] + "/clock/advance", json={"seconds": wait}).raise_for_status()
    expect.assertEqual(list_groups.sync_detailed(ORGANIZATION, 0, client=client).status_code, 200)


oauth_token, jwt_token = both_logins()
pages_of_users(client_with(jwt_token))
client = client_with(oauth_token)
every_kind_of_step(client)
errors(client)
a_limit(client)
print("Python: both logins, pages, every kind of step, errors and a rate limit, over TLS")
