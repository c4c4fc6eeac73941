"""Verifies the JWT on standard input with PyJWT: signature, audience, expiry and claims; and that a changed one fails."""

import json
import sys
import time

import jwt

made = json.load(sys.stdin)


def verify(token: str) -> dict[str, object]:
    # The login requires `jti` to be a whole number (checked below), PyJWT requires a string, so this check of PyJWT is
    # disabled.
    options = {"verify_jti": False, "require": ["exp", "iss", "sub", "aud", "jti"]}
    return jwt.decode(token, made["public_key"], algorithms=["RS256"], audience=made["audience"], options=options)


claims = verify(made["token"])
for name, value in made["claims"].items():
    assert claims[name] == value, f"{name}: {claims[name]!r} instead of {value!r}"
assert isinstance(claims["exp"], int) and claims["exp"] > time.time(), "exp is not a whole number in the future"
assert isinstance(claims["jti"], int), "jti is not a whole number"

head, body, signature = made["token"].split(".")
try:
    verify(f"{head}.{body}.{signature[:-8]}AAAAAAAA")
except jwt.InvalidSignatureError:
    print(f"PyJWT {jwt.__version__}: signature, audience, expiry and claims are valid, and a changed signature is rejected")
else:
    sys.exit("a changed signature was accepted")
