"""Verifies the JWT on standard input with PyJWT: signature, audience, expiry and claims; and that a changed one fails."""

import json
import sys
import time

import jwt

made = json.load(sys.stdin)


def verify(token: str) -> dict[str, object]:
    # The login wants `jti` to be a whole number (checked below), PyJWT wants it to be text: of its checks this one is off.
    options = {"verify_jti": False, "require": ["exp", "iss", "sub", "aud", "jti"]}
    return jwt.decode(token, made["public_key"], algorithms=["RS256"], audience=made["audience"], options=options)


claims = verify(made["token"])
for name, value in made["claims"].items():
    assert claims[name] == value, f"{name}: {claims[name]!r} instead of {value!r}"
assert isinstance(claims["exp"], int) and claims["exp"] > time.time(), "exp is no whole number in the future"
assert isinstance(claims["jti"], int), "jti is no whole number"

head, body, signature = made["token"].split(".")
try:
    verify(f"{head}.{body}.{signature[:-8]}AAAAAAAA")
except jwt.InvalidSignatureError:
    print(f"PyJWT {jwt.__version__}: signature, audience, expiry and claims are right, and a changed signature is refused")
else:
    sys.exit("a changed signature was accepted")
