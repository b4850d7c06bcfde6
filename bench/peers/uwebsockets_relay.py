"""A bare WebSocket relay of uWebSockets: it sends the messages of a publisher to every viewer and does nothing else.

Viewers subscribe to a topic, which the server in C++ distributes. Run in the environment of bench/requirements.lock.
"""

import sys

from socketify import App, OpCode, WebSocket

TOPIC = "events"
# no pings and no timeout: the load generator answers none
QUIET = {"idle_timeout": 0, "send_pings_automatically": False}


def watch(socket: WebSocket) -> None:
    socket.subscribe(TOPIC)


def publish(_socket: WebSocket, message: str, _opcode: OpCode) -> None:
    app.publish(TOPIC, message, OpCode.TEXT)


app = App()
app.ws("/watch", {"open": watch, **QUIET})
app.ws("/publish", {"message": publish, **QUIET})
app.listen({"host": "127.0.0.1", "port": int(sys.argv[1])}, lambda _config: None)
app.run()
