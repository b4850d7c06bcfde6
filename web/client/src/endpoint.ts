import { data, type HttpClient } from "./http.js";

/** Builds WebSocket addresses of a server, with a credential for each connection attempt. */
export interface Endpoints {
  /** Absolute address of `path` (such as `/ws/admin`) with its parameters and a credential. */
  address(path: string, parameters: Record<string, string>): Promise<string>;
  /** Each address has a new credential, so that a stream reconnects after the refusal of the last one. */
  readonly renewsCredential: boolean;
}

/** Query parameter that carries the credential of an endpoint. Source: docs/reference/websocket-contract.md */
function credentialName(path: string): "token" | "api_secret" {
  return path.startsWith("/ws/monitoring/") ? "token" : "api_secret";
}

function withCredential(base: string, path: string, parameters: Record<string, string>, credential: string): string {
  const address = new URL(base.replace(/\/$/, "") + path);
  address.protocol = address.protocol.replace("http", "ws");
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
  address.searchParams.set(credentialName(path), credential);
  return address.href;
}

/** Endpoints for a signed-in user. Each connection uses a new ticket, which is valid once and for a few seconds. */
export function ticketEndpoints(http: HttpClient, baseUrl: string): Endpoints {
  return {
    renewsCredential: true,
    async address(path, parameters) {
      const { ticket } = await data(http.POST("/api/v1/ws-tickets", { body: { endpoint: decodeURIComponent(path) } }));
      return withCredential(baseUrl, path, parameters, ticket);
    },
  };
}

/** Endpoints for a program with a secret: the admin secret, or a token for the monitoring streams. */
export function secretEndpoints(baseUrl: string, secret: string): Endpoints {
  return {
    renewsCredential: false,
    address: async (path, parameters) => withCredential(baseUrl, path, parameters, secret),
  };
}
