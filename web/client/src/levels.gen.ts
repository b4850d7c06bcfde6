// Generated from schema/ by `make schema`; do not edit.

/** The log levels in ascending order. */
export const LEVELS = ["DEBUG","INFO","WARNING","ERROR"] as const;
