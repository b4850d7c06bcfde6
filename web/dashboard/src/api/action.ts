import { asError, CasareError, printJson } from "@casare/client";
import { useRef, useState } from "react";

/** An action that changes something on the server. */
export interface Action<Arguments extends unknown[]> {
  /** Runs the action and returns whether it succeeded. Does nothing and returns false while it runs. */
  run: (...args: Arguments) => Promise<boolean>;
  /** The button of the action is disabled while this is true. */
  busy: boolean;
  /** Message of the last failure; null after a success or a new start. */
  error: string | null;
  /** Removes the message. */
  clear: () => void;
}

/** Idempotency keys of one form or button: an action that had no answer keeps its key when it is repeated. */
export class IdempotencyKeys {
  #last: { key: string; request: string } | null = null;

  /** The key for a request. */
  keyFor(request: string): string {
    if (this.#last?.request !== request) this.#last = { key: newKey(), request };
    return this.#last.key;
  }

  /** The server answered: the next request is a new one, also if it is the same. */
  answered(): void {
    this.#last = null;
  }
}

/** Actions run one at a time and are sent with an idempotency key, so that a double click and a repeat after a lost
 * answer have one effect.
 *
 * @param act sends the request with the given key, and does what follows a success
 */
export function useAction<Arguments extends unknown[]>(
  act: (key: string, ...args: Arguments) => Promise<unknown>,
): Action<Arguments> {
  const running = useRef(false);
  const keys = useRef(new IdempotencyKeys());
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const run = async (...args: Arguments) => {
    if (running.current) return false;
    running.current = true;
    setBusy(true);
    setError(null);
    try {
      await act(keys.current.keyFor(printJson(args)), ...args);
      keys.current.answered();
      return true;
    } catch (problem) {
      if (!(problem instanceof CasareError && problem.status === 0)) keys.current.answered();
      setError(asError(problem).message);
      return false;
    } finally {
      running.current = false;
      setBusy(false);
    }
  };
  return { run, busy, error, clear: () => setError(null) };
}

/** A random key. `crypto.randomUUID` does not exist on pages without TLS. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
