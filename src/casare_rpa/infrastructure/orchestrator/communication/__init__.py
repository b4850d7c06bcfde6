"""Clients of the orchestrator: robot (WebSocket), HTTP, and job watch.

This package is the client side. It lies below `infrastructure/orchestrator/` because the contract fixes the path of
`websocket_client`. No module of the server imports it, and it imports only `casare_rpa.domain`.
"""
