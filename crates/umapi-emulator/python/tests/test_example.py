"""Example: tests of Python programs that call Adobe's User Management API."""

from urllib.parse import urlsplit

import pytest
import requests
import umapi_client  # type: ignore[import-untyped]

from umapi_emulator import Emulator


@pytest.fixture(autouse=True)
def trust(umapi_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets every user of `requests` trust the emulator, in the tested program, too."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(umapi_emulator.ca_file))


@pytest.fixture
def session(umapi_emulator: Emulator, trust: None) -> requests.Session:
    """A session that is logged in, over TLS."""
    session = requests.Session()
    credentials = umapi_emulator.credentials
    form = {
        "grant_type": "client_credentials",
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret,
        "scope": credentials.scopes,
    }
    response = session.post(f"{umapi_emulator.ims_https_url}/ims/token/v3", data=form)
    response.raise_for_status()
    session.headers["Authorization"] = f"Bearer {response.json()['access_token']}"
    session.headers["X-Api-Key"] = credentials.client_id
    return session


def test_users_are_listed_with_requests(umapi_emulator: Emulator, session: requests.Session) -> None:
    response = session.get(f"{umapi_emulator.um_https_url}/users/{umapi_emulator.organization}/0")
    assert response.status_code == 200
    assert "jdoe@example.com" in [user["email"] for user in response.json()["users"]]


def test_a_full_minute_is_reported_with_the_wait(umapi_emulator: Emulator, session: requests.Session) -> None:
    umapi_emulator.manage("POST", "/clock/freeze")
    url = f"{umapi_emulator.um_https_url}/groups/{umapi_emulator.organization}/0"
    responses = [session.get(url) for _ in range(6)]
    assert [response.status_code for response in responses] == [200] * 5 + [429]
    assert int(responses[-1].headers["Retry-After"]) > 0


def test_a_user_is_created_with_umapi_client(umapi_emulator: Emulator) -> None:
    credentials = umapi_emulator.credentials
    login = umapi_client.OAuthS2S(
        client_id=credentials.client_id,
        client_secret=credentials.client_secret,
        auth_host=urlsplit(umapi_emulator.ims_https_url).netloc,
    )
    connection = umapi_client.Connection(umapi_emulator.organization, login, endpoint=umapi_emulator.um_https_url)
    user = umapi_client.UserAction("new@example.com")
    user.create("new@example.com", "New", "User", "US")
    _, sent, completed = connection.execute_single(user, immediate=True)
    assert (sent, completed, user.execution_errors()) == (1, 1, [])
    journal = umapi_emulator.manage("GET", "/journal?operation=executeActions")
    assert len(journal["exchanges"]) == 1
