"""The key that says to a platform who we are: an RSA key in a PEM file that is kept outside the course."""

from __future__ import annotations

import base64
import hashlib
import json
import time
import uuid
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import RSAAlgorithm

from nbseal.errors import CourseError

VALID_SECONDS = 60
SMALLEST = 2048  # bits
MAKE = "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out"


def read_key(path: Path) -> RSAPrivateKey:
    """The private key in a file; CourseError unless it is an RSA key that nobody else can read."""
    try:
        if path.stat().st_mode & 0o077:
            raise CourseError(f"others may read {path}, which is a private key: chmod 600 {path}")
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise CourseError(f"{path} can't be read ({error.strerror}). To make a key: {MAKE} {path}") from error
    except (ValueError, TypeError) as error:
        raise CourseError(f"{path} is no private key without a password. To make one: {MAKE} {path}") from error
    if not isinstance(key, RSAPrivateKey) or key.key_size < SMALLEST:
        raise CourseError(f"{path} is no RSA key of {SMALLEST} bits or more. To make one: {MAKE} {path}")
    return key


def public_keys(key: RSAPrivateKey) -> dict[str, Any]:
    """The key's public half as a JSON Web Key Set."""
    return {"keys": [{**_public(key), "kid": key_id(key), "alg": "RS256", "use": "sig"}]}


def key_id(key: RSAPrivateKey) -> str:
    """The key's thumbprint (RFC 7638)."""
    public = _public(key)
    canonical = json.dumps({name: public[name] for name in ("e", "kty", "n")}, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()


def assertion(key: RSAPrivateKey, client_id: str, audience: str) -> str:
    """A signed token that is good once, for a minute (LTI's security framework, 4.1.1)."""
    now = int(time.time())
    claims = {"iss": client_id, "sub": client_id, "aud": audience, "jti": str(uuid.uuid4())}
    times = {"iat": now, "exp": now + VALID_SECONDS}
    return jwt.encode({**claims, **times}, key, algorithm="RS256", headers={"kid": key_id(key)})


def _public(key: RSAPrivateKey) -> dict[str, Any]:
    found = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {name: found[name] for name in ("kty", "n", "e")}
