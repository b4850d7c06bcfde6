import { parseJson } from "@casare/client";

/** Parses a JSON object, keeping every digit; null when the text is not one. An empty text is an empty object. */
export function parametersOf(text: string): Record<string, unknown> | null {
  if (text.trim() === "") return {};
  try {
    const value = parseJson(text);
    return /^\s*\{/.test(text) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
