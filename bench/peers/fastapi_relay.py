"""A typical relay: a FastAPI WebSocket endpoint that awaits `send_text` of one viewer after the other."""

import sys

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
viewers: set[WebSocket] = set()


@app.websocket("/publish")
async def publish(socket: WebSocket) -> None:
    """Send each received message to all viewers."""
    await socket.accept()
    try:
        while True:
            text = await socket.receive_text()
            for viewer in list(viewers):
                await viewer.send_text(text)
            if '"id"' in text:
                await socket.send_text('{"type":"ack"}')
    except WebSocketDisconnect:
        return


@app.websocket("/watch")
async def watch(socket: WebSocket) -> None:
    """Register a viewer until it disconnects."""
    await socket.accept()
    viewers.add(socket)
    try:
        await socket.receive_text()
    except WebSocketDisconnect:
        viewers.discard(socket)


# no pings: the load generator answers none
uvicorn.run(
    app,
    host="127.0.0.1",
    port=int(sys.argv[1]),
    ws_per_message_deflate=False,
    ws_ping_interval=None,
    log_level="critical",
)
