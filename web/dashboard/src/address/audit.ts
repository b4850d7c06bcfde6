import { rangeFields, type TimeRange } from "./range";

/** Filters of the audit log as the page address has them: `/audit?target=desk-1&range=24h`. */
export interface AuditSearch {
  target?: string;
  range?: TimeRange;
}

/** Reads the known filters from an address; unknown names and values are ignored. */
export function searchOfAudit({ target, range }: Record<string, unknown>): AuditSearch {
  return {
    ...(typeof target === "string" && target !== "" ? { target } : {}),
    ...(typeof range === "string" && rangeFields(range, 0) !== null ? { range } : {}),
  };
}
