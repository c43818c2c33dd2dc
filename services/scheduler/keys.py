"""API keys and webhook secrets: made, hashed, encrypted. Pure but for randomness."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PK_LIVE, PK_TEST, DK_LIVE_SK = "pk_live_", "pk_test_", "dk_live_sk_"
KEY_BYTES = 24
SHOWN_CHARACTERS = 4
SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix, not a secret
NONCE_BYTES = 12


class Vault:
    """Everything that the installation's secret key does.

    Args:
        secret_key: 32 bytes.
    """

    def __init__(self, secret_key: bytes) -> None:
        self._pepper = hmac.digest(secret_key, b"api-keys", hashlib.sha256)
        self._cipher = AESGCM(hmac.digest(secret_key, b"webhook-secrets", hashlib.sha256))

    def hash_key(self, api_key: str) -> str:
        """What is stored of an API key: useless without the secret key."""
        return hmac.new(self._pepper, api_key.encode(), hashlib.sha256).hexdigest()

    def encrypt(self, secret: str, owner: str) -> bytes:
        """Encrypt a secret so that it opens for this owner only."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret.encode(), owner.encode())

    def decrypt(self, sealed: bytes, owner: str) -> str:
        """Undo `encrypt`."""
        return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], owner.encode()).decode()


def new_api_key(form: str = PK_LIVE) -> str:
    """A key with 192 random bits, beginning as its form has it."""
    return form + secrets.token_urlsafe(KEY_BYTES)


def shown_prefix(api_key: str, form: str) -> str:
    """So much of a key that its owner recognises it, and nobody can guess the rest."""
    return api_key[: len(form) + SHOWN_CHARACTERS]


def new_webhook_secret() -> str:
    """A Standard Webhooks signing secret with 192 random bits."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(24)).decode()
