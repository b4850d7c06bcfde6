import type { Connection, ReconnectingSocket, Stream } from "./socket.js";

/** A stream that runs over one `ReconnectingSocket`. Subclasses create the socket in their constructor. */
export abstract class SocketStream implements Stream {
  protected abstract readonly socket: ReconnectingSocket;

  get connection(): Connection {
    return this.socket.connection;
  }

  start(): void {
    this.socket.start();
  }

  /** A later `start` continues after the last message that was received. */
  stop(): void {
    this.socket.stop();
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  retryNow(): void {
    this.socket.retryNow();
  }
}
