// Generated from schema/ by `make schema`; do not edit.

export const CLOSE_CODES = {
  "1000": {
    "meaning": "normal closure",
    "reconnect": "no"
  },
  "1001": {
    "meaning": "the peer is going away",
    "reconnect": "yes"
  },
  "1002": {
    "meaning": "a frame violated RFC 6455",
    "reconnect": "yes"
  },
  "1007": {
    "meaning": "a text message was not UTF-8",
    "reconnect": "yes"
  },
  "1009": {
    "meaning": "a message exceeded the size limit of the endpoint",
    "reconnect": "yes"
  },
  "1011": {
    "meaning": "the server failed",
    "reconnect": "yes"
  },
  "1012": {
    "meaning": "the server is restarting",
    "reconnect": "yes"
  },
  "1013": {
    "meaning": "the server has too many connections",
    "reconnect": "yes"
  },
  "4000": {
    "meaning": "too many malformed messages, or a malformed request",
    "reconnect": "no"
  },
  "4001": {
    "meaning": "the credential is missing, wrong or revoked",
    "reconnect": "no"
  },
  "4002": {
    "meaning": "the credential has expired; reconnect with a new one",
    "reconnect": "yes"
  },
  "4003": {
    "meaning": "the credential is valid, but not for this robot, tenant or role",
    "reconnect": "no"
  },
  "4004": {
    "meaning": "the host or the origin is not allowed; a setting can allow it",
    "reconnect": "slowly"
  },
  "4008": {
    "meaning": "over the rate limit for a minute without a pause",
    "reconnect": "slowly"
  },
  "4009": {
    "meaning": "replaced by a newer connection of the same robot",
    "reconnect": "slowly"
  },
  "4010": {
    "meaning": "no message from the robot for 90 seconds",
    "reconnect": "yes"
  },
  "4011": {
    "meaning": "the client did not read fast enough",
    "reconnect": "yes"
  },
  "4012": {
    "meaning": "the server requests a new connection and snapshot",
    "reconnect": "yes"
  }
} as const;
