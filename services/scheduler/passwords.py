"""Passwords of encrypted PDFs, kept sealed.

Each batch that has passwords has a key for them, which is itself sealed with the installation's. What was sealed with
it is scattered over the batch's items; without the key, which goes when nothing of the batch can be rendered any more,
all of it is worth nothing.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Iterable, Iterator

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pressline.batch.v1 import batch_pb2
from services.scheduler.keys import NONCE_BYTES, Vault
from services.scheduler.store.database import Document

KEY_BITS = 256
_FIELDS = ("user_password", "owner_password")


class Locksmith:
    """Makes the keys of batches, and seals and opens with them, in place."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def key_field(self, batch_id: str, outputs: Iterable[batch_pb2.OutputSpec]) -> Document:
        """What a new batch's document says of its key: nothing when no output has a password."""
        if not any(output.pdf.HasField("encryption") for output in outputs):
            return {}
        key = AESGCM.generate_key(KEY_BITS)
        return {"password_key": self._vault.encrypt(key.hex(), _owner(batch_id))}

    def seal(self, batch: Document, outputs: Iterable[batch_pb2.OutputSpec]) -> None:
        """Seal the passwords of a batch's outputs; one that comes again is sealed to the same."""
        cipher, known = self._cipher(batch), dict[str, str]()

        def sealed(password: str) -> str:
            if password not in known:
                nonce = secrets.token_bytes(NONCE_BYTES)
                known[password] = base64.b64encode(nonce + cipher.encrypt(nonce, password.encode(), None)).decode()
            return known[password]

        _change(outputs, sealed)

    def open(self, batch: Document, outputs: Iterable[batch_pb2.OutputSpec]) -> None:
        """Undo `seal`; nothing is done for a batch without passwords."""
        if "password_key" not in batch:
            return
        cipher = self._cipher(batch)

        def opened(sealed: str) -> str:
            data = base64.b64decode(sealed)
            return cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], None).decode()

        _change(outputs, opened)

    def _cipher(self, batch: Document) -> AESGCM:
        return AESGCM(bytes.fromhex(self._vault.decrypt(batch["password_key"], _owner(batch["_id"]))))


def wanted_outputs(spec: batch_pb2.BatchSpec, items: Iterable[batch_pb2.ItemSpec]) -> Iterator[batch_pb2.OutputSpec]:
    """What a batch and its items ask for, each as it stands in the request."""
    yield spec.output
    for item in items:
        if item.HasField("output"):
            yield item.output


def _owner(batch_id: str) -> str:
    return f"passwords of {batch_id}"


def _change(outputs: Iterable[batch_pb2.OutputSpec], change: Callable[[str], str]) -> None:
    for output in outputs:
        # Reading it of an output without one does not make one.
        encryption = output.pdf.encryption
        for name in _FIELDS:
            if password := getattr(encryption, name):
                setattr(encryption, name, change(password))
