"""Sends commands to the control channel of a run."""

from __future__ import annotations

import getpass
import socket
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from mm_nautilus.errors import UserError
from mm_nautilus.live.beside.address import Address
from mm_nautilus.live.beside.token import known_token

_ATTEMPTS: Final = 3
_PAUSE_S: Final = 1.0
_TIMEOUT_S: Final = 70.0
_NO_ANSWER: Final = frozenset({502, 503, 504})


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token goes where it was meant to go and nowhere else."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Client:
    """Whoever has the token of a run.

    Parameters
    ----------
    address : Address
        Of the run's server.
    token : str
        Of its control channel.

    """

    address: Address
    token: str

    @classmethod
    def of(cls, run_folder: Path) -> Client:
        """Return a client for the run of a folder.

        Raises
        ------
        UserError
            Where the run serves nothing, or there is no token.

        """
        address = Address.read(run_folder)
        if not address.control:
            raise UserError(f"{run_folder}: the run takes no commands; it needs live.monitor.control = true")
        return cls(address, known_token(address.token_env, run_folder))

    def send(self, command: str, **words: str) -> tuple[int, dict[str, Any]]:
        """Send a command until it is answered; return HTTP's status and the answer.

        It carries an id of its own unless `words` state one, so that it is carried out once however often it is sent.

        Raises
        ------
        UserError
            Where nothing answers.

        """
        said = {"id": uuid.uuid4().hex, "who": f"{getpass.getuser()}@{socket.gethostname()}"} | words
        failure = ""
        for attempt in range(_ATTEMPTS):
            time.sleep(_PAUSE_S if attempt else 0.0)
            try:
                status, answer = self._post(command, said)
            except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
                failure = str(getattr(error, "reason", error))
                continue
            if status not in _NO_ANSWER:
                return status, answer
            failure = str(answer.get("error", f"HTTP status {status}"))
        words_of = f"{self.address.url}: no answer ({failure}); the node may have ended, or its server is being started"
        raise UserError(f"{words_of} again. The command had the id {said['id']}: with --id it is carried out once")

    def _post(self, command: str, said: dict[str, str]) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        url = f"{self.address.url}/control/{command}"
        request = urllib.request.Request(url, orjson.dumps(said), headers, method="POST")
        try:
            with urllib.request.build_opener(_NoRedirect).open(request, timeout=_TIMEOUT_S) as response:
                return response.status, orjson.loads(response.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _json(error.read())


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {"error": body[:200].decode(errors="replace")}
    return found if isinstance(found, dict) else {"error": str(found)}
