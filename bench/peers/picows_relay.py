"""A bare WebSocket relay: it sends the messages of a publisher to every viewer and does nothing else.

Its throughput is about the limit of the machine. A connection to /publish publishes, every other one is a viewer. A
message of a publisher that begins with `{"id` is answered, so that its messages can be counted.
"""

import sys

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

ANSWER = b'{"type":"ack"}'
viewers: set[WSTransport] = set()


class Viewer(WSListener):  # type: ignore[misc]  # the library has no types
    def on_ws_connected(self, transport: WSTransport) -> None:
        viewers.add(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        viewers.discard(transport)


class Publisher(WSListener):  # type: ignore[misc]
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        for viewer in viewers:
            viewer.send(WSMsgType.TEXT, payload)
        if b'"id"' in payload:
            transport.send(WSMsgType.TEXT, ANSWER)


def listener(request: WSUpgradeRequest) -> WSListener:
    return Publisher() if request.path.startswith(b"/publish") else Viewer()


async def main() -> None:
    server = await ws_create_server(listener, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


uvloop.run(main())
