"""Credential files of NATS: a `.creds` file with a token and a seed, or a file with the seed of an nkey.

The server sends random bytes, and the client signs them. The seed, which is the secret, never leaves this machine.
"""

import base64
import re
from dataclasses import dataclass, field
from pathlib import Path

import nkeys

from casare_rpa.domain.errors import InvalidSettings

FIELD = "CASARE_BUS_CREDENTIALS"
MAX_BYTES = 64 * 1024
_TOKEN = re.compile(r"-BEGIN NATS USER JWT-+\s+(\S+)\s+-")
_SEED = re.compile(r"^\s*(SU[A-Z2-7]{56})\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class NatsKey:
    """What a client presents: the signature of the server's bytes with a token, or with its public key."""

    public_key: str
    token: str | None = field(repr=False)
    """The signed user (JWT) of a `.creds` file. `None`: the server knows the public key."""
    _seed: bytes = field(repr=False)

    def sign(self, nonce: str) -> bytes:
        """The signature of the server's bytes, in base64."""
        return base64.b64encode(nkeys.from_seed(self._seed).sign(nonce.encode()))


def read_nats_key(path: Path) -> NatsKey:
    """The key of a credential file.

    Raises:
        InvalidSettings: the file cannot be read, or has no seed of a user. The sentence has no part of the content.
    """
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES).decode("ascii", "replace")
    except OSError as error:
        raise InvalidSettings(f"{path} cannot be read: {error.strerror}", field=FIELD) from None
    token, seed = _TOKEN.search(text), _SEED.search(text)
    if seed is None or (token is None and "JWT" in text):
        raise InvalidSettings(f"{path} is neither a .creds file nor the seed of a user (SU…)", field=FIELD)
    try:
        secret = seed[1].encode()
        prefix, raw = nkeys.decode_seed(secret)
        intact = nkeys.encode_seed(raw, prefix) == secret  # nkeys itself does not compare the checksum
    except (nkeys.NkeysError, ValueError):
        intact = False
    if not intact:
        raise InvalidSettings(f"the seed in {path} is damaged", field=FIELD)
    public_key = nkeys.from_seed(secret).public_key.decode()
    return NatsKey(public_key, None if token is None else token[1], secret)
