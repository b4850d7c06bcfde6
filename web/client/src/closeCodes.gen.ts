// Generated from schema/ by `make schema`; do not edit.

export const CLOSE_CODES = {
  "1000": {
    "meaning": "the other side said goodbye",
    "reconnect": "no"
  },
  "1001": {
    "meaning": "the peer is going away",
    "reconnect": "yes"
  },
  "1002": {
    "meaning": "a frame broke the rules of RFC 6455",
    "reconnect": "yes"
  },
  "1007": {
    "meaning": "a text message was not UTF-8",
    "reconnect": "yes"
  },
  "1009": {
    "meaning": "a message was larger than the endpoint takes",
    "reconnect": "yes"
  },
  "1011": {
    "meaning": "the server failed; it is not the client's fault",
    "reconnect": "yes"
  },
  "1012": {
    "meaning": "the server is restarting",
    "reconnect": "yes"
  },
  "1013": {
    "meaning": "the server has too many connections just now",
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
    "meaning": "the credential has expired; come back with a fresh one",
    "reconnect": "yes"
  },
  "4003": {
    "meaning": "the credential is valid, but not for this robot, tenant, origin or role",
    "reconnect": "no"
  },
  "4008": {
    "meaning": "over the rate limit for a minute without a pause",
    "reconnect": "slowly"
  },
  "4009": {
    "meaning": "a newer connection of the same robot took over",
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
    "meaning": "the server asks for a fresh connection and snapshot",
    "reconnect": "yes"
  }
} as const;
