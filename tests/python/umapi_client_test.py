"""Tests PyPI's `umapi-client`, unmodified, with the emulator, over TLS and with both logins.

The argument is the path of the emulator's command. The client gets only what a real client would get: hosts, an
organization, credentials, and a certificate authority to trust.
"""

import logging
import os
import sys
import time
import unittest
from email.utils import formatdate
from urllib.parse import quote, urlsplit

import requests
import umapi_client
from emulator import Emulator
from umapi_client import GroupAction, GroupsQuery, IdentityType, IfAlreadyExistsOption, UserAction, UserQuery, UsersQuery
from umapi_client.api import QueryMultiple
from umapi_client.auth import JWTAuth, OAuthS2S

BINARY = sys.argv.pop(1)
PAGE = 3


def setUpModule():
    global emulator
    emulator = Emulator(BINARY, "--no-http", "--limits", "off", "--page-size", str(PAGE), "--group-page-size", "7",
                        "--legacy-page-size", "2", "--check-responses")
    # The certificates that `requests` trusts; the client itself has no setting.
    os.environ["REQUESTS_CA_BUNDLE"] = emulator.ca_path


def tearDownModule():
    violations = emulator.manage("GET", "/violations")["violations"]
    emulator.stop()
    assert not violations, violations


class Login:
    """Tests that run with both logins."""

    def auth(self, **changes):
        raise NotImplementedError

    def setUp(self):
        emulator.manage("POST", "/reset")
        emulator.manage("PUT", "/limits", {})
        self.org = emulator.organization
        self.connection = self.connect()

    def connect(self, **options):
        connection = umapi_client.Connection(
            self.org, options.pop("auth", None) or self.auth(), endpoint=emulator.ready["umHttpsUrl"], **options
        )
        # Without a `Retry-After`, it would wait 15 seconds between attempts.
        connection.retry_first_delay = connection.retry_random_delay = 0
        return connection

    def run_action(self, action):
        """Sends an action that must succeed."""
        _, sent, completed = self.connection.execute_single(action, immediate=True)
        self.assertEqual((sent, completed, action.execution_errors()), (1, 1, []))

    def refused(self, action):
        """Sends an action that must fail, and returns the codes of its errors."""
        self.connection.execute_single(action, immediate=True)
        errors = action.execution_errors()
        self.assertTrue(errors)
        return [error["errorCode"] for error in errors]

    def user(self, name, domain=None):
        return UserQuery(self.connection, name, domain).result()

    def calls(self, operation):
        return emulator.manage("GET", f"/journal?operation={operation}")["exchanges"]

    def changes(self, user, group=None):
        query = f"/ledger?organization={quote(self.org)}&user={quote(user)}"
        return emulator.manage("GET", query + (f"&group={quote(group)}" if group else ""))["changes"]

    # Queries

    def test_users_are_read_over_several_pages(self):
        query = UsersQuery(self.connection)
        emails = [user["email"] for user in query]
        self.assertEqual(len(emails), 9)
        self.assertEqual(len(set(emails)), 9)
        self.assertEqual(len(self.calls("listUsers")), 3)
        total, pages, _, _ = query.stats()
        self.assertEqual(pages, 3)
        self.assertGreater(total, 9, "technical accounts are counted")
        self.assertEqual(query.all_results(), list(query))

    def test_users_of_a_domain_and_of_groups(self):
        in_domain = UsersQuery(self.connection, in_domain="example.com").all_results()
        expected = {"jdoe@example.com", "jane@example.com", "nobody@example.com"}
        self.assertEqual({user["email"] for user in in_domain}, expected)
        for group, direct, all_of_them in [
            ("Design", 2, 2),
            ("design", 2, 2),
            ("Photoshop", 1, 3),
            ("_org_admin", 1, 1),
            ("Nothing of the kind", 0, 0),
        ]:
            with self.subTest(group):
                for direct_only, expected in [(True, direct), (False, all_of_them)]:
                    query = UsersQuery(self.connection, in_group=group, direct_only=direct_only)
                    self.assertEqual(len(query.all_results()), expected)

    def test_any_name_of_a_group_works(self):
        for name in ["100 % & more", "a+b=c?", "Größe #1", "開発 部", "semi; colon"]:
            with self.subTest(name):
                self.run_action(GroupAction(name).create().add_users(["jdoe@example.com"]))
                members = UsersQuery(self.connection, in_group=name).all_results()
                self.assertEqual([user["email"] for user in members], ["jdoe@example.com"])

    def test_groups_are_read_over_several_pages(self):
        groups = GroupsQuery(self.connection).all_results()
        self.assertGreater(len(self.calls("listGroups")), 1)
        by_name = {group["groupName"]: group for group in groups}
        self.assertEqual(len(by_name), len(groups))
        self.assertEqual(by_name["Document Cloud 1"]["type"], "PRODUCT_PROFILE")
        self.assertEqual(by_name["Document Cloud 1"]["licenseQuota"], "2")
        self.assertEqual(by_name["Design"]["type"], "USER_GROUP")
        self.assertEqual(by_name["_org_admin"]["type"], "SYSADMIN_GROUP")
        # The deprecated list, which this client counts from page 1.
        user_groups = QueryMultiple(self.connection, "user-group").all_results()
        self.assertEqual([group["name"] for group in user_groups], ["Design", "Sales", "R&D / Labs (100 %)", "Shared"])
        self.assertEqual(len(self.calls("listUserGroups")), 2)

    def test_single_users(self):
        self.assertEqual(self.user("JDoe@Example.com")["email"], "jdoe@example.com")
        self.assertEqual(self.user("lee", "usernames.example")["email"], "lee@example.com")
        self.assertEqual(self.user("nobody-at-all@example.com"), {})

    # Actions

    def test_users_of_every_type_are_created_changed_and_removed(self):
        names = {"firstname": "New", "lastname": "User", "country": "US"}
        for user, id_type, domain in [
            ("new@mail.example", IdentityType.adobeID, None),
            ("new@enterprise.example", IdentityType.enterpriseID, None),
            ("new@federated.example", IdentityType.federatedID, None),
            ("pupil", IdentityType.federatedID, "usernames.example"),
        ]:
            with self.subTest(user):
                email = user if domain is None else "pupil@example.com"
                action = UserAction(user, domain=domain, requestID="create")
                self.run_action(action.create(email, id_type=id_type, **names).add_to_groups(["Design"]))
                made = self.user(user, domain)
                self.assertEqual((made["type"], made["groups"]), (id_type.name, ["Design"]))
                again = UserAction(user, domain=domain).create(email, id_type=id_type, **names)
                self.run_action(again)
                again = UserAction(user, domain=domain).create(
                    email, id_type=id_type, on_conflict=IfAlreadyExistsOption.errorIfAlreadyExists, **names
                )
                self.assertEqual(self.refused(again), ["error.user.already_in_org"])
                if id_type != IdentityType.adobeID:
                    names_update = UserAction(user, domain=domain).create(
                        email, id_type=id_type, on_conflict=IfAlreadyExistsOption.updateIfAlreadyExists,
                        firstname="Newer", lastname="User", country="US",
                    )
                    self.run_action(names_update)
                    self.assertEqual(self.user(user, domain)["firstname"], "Newer")
                    self.run_action(UserAction(user, domain=domain).update(firstname="Newest", lastname="Person"))
                    self.assertEqual(self.user(user, domain)["firstname"], "Newest")
                self.run_action(UserAction(user, domain=domain).remove_from_groups(["Design"]))
                self.assertEqual(self.user(user, domain).get("groups", []), [])
                removal = UserAction(user, domain=domain)
                self.assertIsNone(removal.remove_from_organization(delete_account=id_type != IdentityType.adobeID))
                self.run_action(removal)
                self.assertEqual(self.user(user, domain), {})

    def test_email_and_username_change(self):
        self.run_action(UserAction("jdoe@example.com").update(email="john.doe@example.com"))
        self.assertEqual(self.user("john.doe@example.com")["username"], "john.doe@example.com")
        self.run_action(UserAction("lee", domain="usernames.example").update(username="lee2"))
        self.assertEqual(self.user("lee2", "usernames.example")["email"], "lee@example.com")
        self.assertEqual(self.refused(UserAction("ann@mail.example").update(firstname="Anna")), ["error.update.adobeid.no"])

    def test_all_memberships_are_removed_at_once(self):
        self.run_action(UserAction("jdoe@example.com").remove_from_groups(all_groups=True))
        self.assertEqual(self.user("jdoe@example.com").get("groups", []), [])

    def test_groups_are_created_filled_renamed_and_deleted(self):
        action = GroupAction("Team").create(description="A team")
        self.run_action(action.add_to_products(["Photoshop"]).add_users(["jane@example.com", "nobody@example.com"]))
        members = UsersQuery(self.connection, in_group="Team").all_results()
        self.assertEqual({user["email"] for user in members}, {"jane@example.com", "nobody@example.com"})
        through = UsersQuery(self.connection, in_group="Photoshop", direct_only=False).all_results()
        self.assertIn("nobody@example.com", {user["email"] for user in through})
        update = IfAlreadyExistsOption.updateIfAlreadyExists
        self.run_action(GroupAction("Team").create(option=update, description="The team"))
        self.run_action(GroupAction("Team").remove_users(["nobody@example.com"]).remove_from_products(["Photoshop"]))
        self.run_action(GroupAction("Team").update(name="Crew", description="A crew"))
        crew = UsersQuery(self.connection, in_group="Crew").all_results()
        self.assertEqual([user["email"] for user in crew], ["jane@example.com"])
        self.run_action(GroupAction("Crew").delete())
        self.assertEqual(self.refused(GroupAction("Crew").delete()), ["error.usergroup.not_found"])
        self.assertEqual(
            self.refused(GroupAction("Shared").add_users(["jane@example.com"])),
            ["error.usergroup.readonly.add_user_not_allowed"],
        )

    def test_twenty_five_groups_at_once(self):
        groups = [f"Group {number:02}" for number in range(25)]
        queued = [GroupAction(group).create() for group in groups]
        self.assertEqual(self.connection.execute_multiple(queued), (0, 25, 25))
        self.assertEqual(len(self.calls("executeActions")), 3, "ten commands per request")
        action = UserAction("nobody@example.com").add_to_groups(groups)
        self.run_action(action)
        self.assertEqual([len(command["add"]["group"]) for command in action.commands], [10, 10, 5])
        self.assertEqual(sorted(self.user("nobody@example.com")["groups"]), groups)
        for group in groups:
            self.assertEqual(len(self.changes("nobody@example.com", group)), 1)
        self.run_action(UserAction("nobody@example.com").remove_from_groups(groups))
        self.assertEqual(self.user("nobody@example.com").get("groups", []), [])

    def test_too_many_steps_are_split_into_commands(self):
        action = UserAction("nobody@example.com")
        for number in range(12):
            action.add_to_groups(["Design"] if number % 2 == 0 else ["Sales"])
        _, sent, completed = self.connection.execute_single(action, immediate=True)
        self.assertEqual((sent, completed, action.execution_errors()), (2, 2, []))

    def test_test_mode_changes_nothing(self):
        self.connection = self.connect(test_mode=True)
        action = UserAction("dry@example.com").create("dry@example.com", firstname="D", lastname="R", country="US")
        self.connection.execute_single(action, immediate=True)
        self.assertEqual(action.execution_errors(), [])
        self.assertEqual(self.user("dry@example.com"), {})

    # Errors

    def test_errors_of_steps_are_reported_to_their_actions(self):
        good = UserAction("jane@example.com").add_to_groups(["Design"])
        bad = UserAction("jdoe@example.com", requestID="bad").add_to_groups(["No such group"]).add_to_groups(["Sales"])
        stranger = UserAction("stranger@example.com").add_to_groups(["Design"])
        self.assertEqual(self.connection.execute_multiple([good, bad, stranger]), (0, 3, 1))
        self.assertEqual(good.execution_errors(), [])
        (error,) = bad.execution_errors()
        self.assertEqual((error["errorCode"], error["requestID"]), ("error.group.not_found", "bad"))
        self.assertEqual(error["command"], {"add": {"group": ["No such group"]}})
        self.assertIn("Sales", self.user("jdoe@example.com")["groups"], "the steps after it are done")
        self.assertEqual([e["errorCode"] for e in stranger.execution_errors()], ["error.user.nonexistent"])

    def test_rejected_requests(self):
        self.org = "FFFF@AdobeOrg"
        with self.assertRaises(umapi_client.RequestError) as refused:
            UsersQuery(self.connect()).all_results()
        self.assertEqual(refused.exception.result.status_code, 401)
        with self.assertRaises(RuntimeError) as refused:
            UsersQuery(self.connect(auth=self.auth(client_secret="wrong"))).all_results()
        self.assertIn("invalid_client", str(refused.exception))

    def test_rate_limits_are_waited_for(self):
        emulator.manage("PUT", "/limits", {"classes": {"users": {"client": 2, "application": 100}}})
        for _ in range(2):
            self.user("jane@example.com")
        emulator.manage("POST", "/clock/advance", {"seconds": 58.5})
        begin = time.monotonic()
        self.assertEqual(self.user("jane@example.com")["email"], "jane@example.com")
        self.assertGreater(time.monotonic() - begin, 0.9)
        self.assertEqual([call["status"] for call in self.calls("getUser")], [200, 200, 429, 200])

    def test_both_formats_of_retry_after_are_honored(self):
        for retry_after in ["1", formatdate(time.time() + 3, usegmt=True)]:
            with self.subTest(retry_after):
                emulator.manage("DELETE", "/journal")
                self.fault("executeActions", {"type": "answer", "status": 429, "headers": {"Retry-After": retry_after},
                                              "body": {"error_code": "429050", "message": "Too many requests"}})
                self.run_action(UserAction("jane@example.com").add_to_groups(["Sales"]))
                self.assertEqual([call["status"] for call in self.calls("executeActions")], [429, 200])

    def test_it_gives_up_after_its_attempts(self):
        emulator.manage("POST", "/faults", {"operation": "getUser", "outcome": {"type": "html", "status": 503}})
        with self.assertRaises(umapi_client.UnavailableError) as gave_up:
            self.user("jane@example.com")
        self.assertEqual((gave_up.exception.attempts, len(self.calls("getUser"))), (4, 4))

    def test_a_create_with_a_lost_response_happens_once(self):
        self.fault("executeActions", {"type": "reset", "applied": True})
        create = UserAction("lost@example.com").create("lost@example.com", firstname="L", lastname="O", country="US")
        self.run_action(create.add_to_groups(["Design"]))
        self.assertEqual(len(self.calls("executeActions")), 2)
        self.assertEqual([change["kind"] for change in self.changes("lost@example.com")], ["userCreated", "memberAdded"])
        self.assertEqual(emulator.manage("GET", "/ledger/repeated")["repetitions"], [])

    def test_a_gateway_error_is_retried(self):
        self.fault("listGroups", {"type": "html", "status": 502})
        self.assertGreater(len(GroupsQuery(self.connection).all_results()), 10)

    def test_a_cut_off_response_is_detected(self):
        # This client does not retry it. It must report an error.
        self.fault("listGroups", {"type": "cutOff", "bytes": 20})
        with self.assertRaises(requests.exceptions.ChunkedEncodingError):
            GroupsQuery(self.connection).all_results()

    def test_sync_hints_are_recorded(self):
        self.connection.start_sync()
        self.user("jane@example.com")
        self.connection.end_sync()
        self.user("jane@example.com")
        hints = [call["headers"].get("pragma") for call in self.calls("getUser")]
        self.assertEqual(hints, ["umapi-sync-start", "umapi-sync-end"])

    def test_a_first_page_may_be_retried_in_a_sync(self):
        # Users report a limit of first pages. A block of a second keeps the test short.
        limits = {"firstPages": {"calls": 1, "periodSeconds": 7200, "blockSeconds": 1, "retrySeconds": 600}}
        for in_sync, statuses in [(True, [None, 200]), (False, [None, 429, 200])]:
            with self.subTest(in_sync=in_sync):
                emulator.manage("DELETE", "/limits/usage")
                emulator.manage("DELETE", "/journal")
                emulator.manage("PUT", "/limits", limits)
                connection = self.connect()
                if in_sync:
                    connection.start_sync()
                self.fault("listUsers", {"type": "reset", "applied": True})
                self.assertGreater(len(UsersQuery(connection).all_results()), PAGE)
                calls = self.calls("listUsers")
                self.assertEqual([call.get("status") for call in calls][:len(statuses)], statuses)
                refusals = [call["limit"]["name"] for call in calls if "limit" in call]
                self.assertEqual(refusals, [] if in_sync else ["users-first-page"])

    def fault(self, operation, outcome):
        emulator.manage("POST", "/faults", {"operation": operation, "outcome": outcome, "when": {"times": 1}})


def ims_host():
    return urlsplit(emulator.ready["imsHttpsUrl"]).netloc


class WithOAuth(Login, unittest.TestCase):
    """The login of OAuth Server-to-Server credentials."""

    def auth(self, **changes):
        given = emulator.credentials
        secret = changes.get("client_secret", given["clientSecret"])
        return OAuthS2S(client_id=given["clientId"], client_secret=secret, auth_host=ims_host())

    def test_one_token_is_used_for_all_calls(self):
        for _ in range(3):
            self.user("jane@example.com")
        self.assertEqual(len(self.calls("requestTokenV2")), 1)


class WithJwt(Login, unittest.TestCase):
    """The login of service accounts with a signed JWT."""

    def auth(self, **changes):
        given = emulator.credentials
        return JWTAuth(
            org_id=self.org,
            client_id=given["clientId"],
            client_secret=changes.get("client_secret", given["clientSecret"]),
            tech_acct_id=given["technicalAccountId"],
            priv_key_data=given["privateKey"],
            auth_host=ims_host(),
        )

    def test_rejected_requests(self):
        # Its JWT names the organization, so it cannot log in for another organization.
        self.org = "FFFF@AdobeOrg"
        with self.assertRaises(RuntimeError) as refused:
            UsersQuery(self.connect()).all_results()
        self.assertIn("invalid_signature", str(refused.exception))

    def test_one_token_is_used_for_all_calls(self):
        for _ in range(3):
            self.user("jane@example.com")
        self.assertEqual(len(self.calls("exchangeJwt")), 1)


class WithALooseEmulator(unittest.TestCase):
    """This client does not encode a slash in the name of a group. `--loose` accepts it as intended."""

    def test_a_slash_in_the_name_of_a_group(self):
        before = os.environ["REQUESTS_CA_BUNDLE"]
        with Emulator(BINARY, "--loose", "--no-http") as loose:
            os.environ["REQUESTS_CA_BUNDLE"] = loose.ca_path
            try:
                given = loose.credentials
                host = urlsplit(loose.ready["imsHttpsUrl"]).netloc
                auth = OAuthS2S(client_id=given["clientId"], client_secret=given["clientSecret"], auth_host=host)
                connection = umapi_client.Connection(loose.organization, auth, endpoint=loose.ready["umHttpsUrl"])
                members = UsersQuery(connection, in_group="R&D / Labs (100 %)").all_results()
            finally:
                os.environ["REQUESTS_CA_BUNDLE"] = before
        self.assertEqual([user["email"] for user in members], ["lee@example.com"])


if __name__ == "__main__":
    # The client's log messages during its waits would hide the failures.
    logging.disable(logging.CRITICAL)
    unittest.main(verbosity=1)
