import { data, type HttpClient } from "./http.js";

/** Where the WebSockets of a server are, and how each try gets a credential. */
export interface Endpoints {
  /** `/ws/admin` with its parameters and a credential of its own, as an absolute address. */
  address(path: string, parameters: Record<string, string>): Promise<string>;
}

/** The contract's own parameter for credentials. */
function credentialName(path: string): "token" | "api_secret" {
  return path.startsWith("/ws/monitoring/") ? "token" : "api_secret";
}

function withCredential(base: string, path: string, parameters: Record<string, string>, credential: string): string {
  const address = new URL(path, base);
  address.protocol = address.protocol.replace("http", "ws");
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
  address.searchParams.set(credentialName(path), credential);
  return address.href;
}

/** For whoever is signed in: each connection is opened with a fresh ticket, good for one use within seconds. */
export function ticketEndpoints(http: HttpClient, baseUrl: string): Endpoints {
  return {
    async address(path, parameters) {
      const { ticket } = await data(http.POST("/api/v1/ws-tickets", { body: { endpoint: path } }));
      return withCredential(baseUrl, path, parameters, ticket);
    },
  };
}

/** For programs that hold a secret of their own: the admin secret, or a token for the monitoring streams. */
export function secretEndpoints(baseUrl: string, secret: string): Endpoints {
  return { address: async (path, parameters) => withCredential(baseUrl, path, parameters, secret) };
}
