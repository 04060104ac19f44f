"""An identity provider on the loopback: its keys, its tokens, and the server of its key set."""

import json
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

ISSUER = "https://id.example"
AUDIENCE = "bookstore"


@cache
def private_key(key_id: str, algorithm: str) -> Any:
    """Return the private key that a provider calls `key_id`: the same one each time."""
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    curves = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
    if algorithm in curves:
        return ec.generate_private_key(curves[algorithm])
    return rsa.generate_private_key(65_537, 2_048)


def public_jwk(key_id: str, algorithm: str = "ES256", **members: Any) -> dict[str, Any]:
    """Return the entry of a key in a key set."""
    public = private_key(key_id, algorithm).public_key()
    return get_default_algorithms()[algorithm].to_jwk(public, as_dict=True) | {"kid": key_id, **members}


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a valid token with changes. A claim that is None is left out."""
    valid = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "alice",
        "exp": int(time.time()) + 3_600,
        "role": "editor",
    }
    return {name: value for name, value in (valid | changes).items() if value is not None}


def sign(key_id: str, algorithm: str = "ES256", /, **changes: Any) -> str:
    """Return a token that is valid but for the changes of its claims."""
    headers = {"kid": key_id}
    return jwt.encode(claims(**changes), private_key(key_id, algorithm), algorithm, headers=headers)


@dataclass
class KeyServer:
    """What the server of a key set responds with, and the number of requests that it has had.

    Each response waits until `is_released` is set.
    """

    url: str = ""
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    requests: int = 0
    is_released: Event = field(default_factory=Event)

    def publish(self, *keys: Mapping[str, Any]) -> None:
        self.body = json.dumps({"keys": keys}).encode()


@contextmanager
def run_key_server() -> Generator[KeyServer]:
    """Run a server of a key set on a free port of the loopback within the block."""
    state = KeyServer()
    state.is_released.set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.requests += 1
            state.is_released.wait()
            self.send_response(state.status)
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(state.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_port}/keys"
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield state
        finally:
            state.is_released.set()
            server.shutdown()
            thread.join()
