"""Asks another instance of the server whether it reaches the database that both share."""

import asyncio
import json
import logging

from casare_rpa.domain.instance_addresses import host_of_instance

logger = logging.getLogger(__name__)

ASK_SECONDS = 2.0
"""The time for the whole answer, with the connect."""
MAX_ANSWER_BYTES = 4096


async def reaches_store(address: str) -> bool:
    """Whether the instance at this URL answers `GET /health/ready` with a database that commits.

    False for every other answer, for none within 2 s, and for a URL that no instance has. The request has no
    credential, ignores the proxy and netrc settings of the machine, and follows no redirect.
    """
    import httpx2  # rarely needed: only while this instance has lost the database

    if not host_of_instance(address):
        return False
    try:
        async with (
            asyncio.timeout(ASK_SECONDS),
            httpx2.AsyncClient(timeout=ASK_SECONDS, follow_redirects=False, trust_env=False) as client,
            client.stream("GET", f"{address}/health/ready", headers={"Accept-Encoding": "identity"}) as answer,
        ):
            if answer.status_code != 200:
                return False
            body = b""
            async for piece in answer.aiter_raw():
                body += piece
                if len(body) > MAX_ANSWER_BYTES:
                    return False
            return _commits(json.loads(body))
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, RecursionError) as error:
        # Also a timeout, which is an OSError.
        logger.info("%s does not say whether it reaches the database: %s", address, type(error).__name__)
        return False


def _commits(body: object) -> bool:
    """Whether the body of /health/ready says so. An instance that has lost only its bus reaches the database."""
    if not isinstance(body, dict):
        return False
    return body.get("status") == "ok" or (body.get("status") == "degraded" and body.get("part") == "bus")
