// A bare WebSocket relay of the package ws: it sends the messages of a publisher to every viewer and does nothing else.
import { WebSocketServer } from "ws";

const viewers = new Set();
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]), perMessageDeflate: false });

server.on("connection", (socket, request) => {
  if (request.url.startsWith("/publish")) {
    socket.on("message", (data) => {
      for (const viewer of viewers) viewer.send(data, { binary: false });
    });
    return;
  }
  viewers.add(socket);
  socket.on("close", () => viewers.delete(socket));
});
