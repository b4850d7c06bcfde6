"""`casare key create` and `casare link create` can be repeated when their responses were lost."""

from typing import Any

import pytest

from cli.fake_orchestrator import Request, answering
from cli.running import casare, document, done

KEY = {"key_id": "0123456789", "api_key": "crpa_text"}
LINK = {"link_id": "vwl-1", "name": "lobby", "code": "view_text"}


def accept(request: Request) -> tuple[int, Any]:
    return 201, LINK if request.path.endswith("/view-links") else KEY


@pytest.mark.slow
def test_key_is_created_with_an_idempotency_key() -> None:
    with answering(accept) as fake:
        assert done(casare("key", "create", "robot-1", url=fake.url)).strip() == KEY["api_key"]
        chosen = casare("key", "create", "robot-1", "--idempotency-key", "mine", "--json", url=fake.url)
        assert document(chosen) == KEY
    first, second = (request.headers["idempotency-key"] for request in fake.asked)
    assert len(first) == 36
    assert second == "mine"


@pytest.mark.slow
def test_link_is_created_with_an_idempotency_key() -> None:
    with answering(accept) as fake:
        assert done(casare("link", "create", "lobby", url=fake.url)).strip() == f"{fake.url}/#link=view_text"
        done(casare("link", "create", "lobby", "--idempotency-key", "mine", url=fake.url))
    first, second = (request.headers["idempotency-key"] for request in fake.asked)
    assert len(first) == 36
    assert second == "mine"
