"""Starts the emulator of Adobe's User Management API and its login for tests.

    import umapi_emulator

    with umapi_emulator.start("--users", "1000") as emulator:
        print(emulator.um_url, emulator.credentials.client_id)

With pytest, use the fixture `umapi_emulator`.
"""

from umapi_emulator._process import Credentials, Emulator, EmulatorError, start

__all__ = ["Credentials", "Emulator", "EmulatorError", "start"]
