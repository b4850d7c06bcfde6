"""The requests with which real clients open a WebSocket.

`CAPTURED` were recorded from the client of that version, byte for byte except for the address, the host and the key of
the handshake. `WRITTEN` follow the source of a client that was not at hand; their comment says which.
"""

PATH, HOST, KEY = "{path}", "{host}", "{key}"

CAPTURED = {
    # aiohttp 3.14.5, Python 3.11
    "aiohttp": """GET {path} HTTP/1.1
Host: {host}
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: {key}
Accept: */*
Accept-Encoding: gzip, deflate
User-Agent: Python/3.11 aiohttp/3.14.5

""",
    # aiohttp 3.14.5, Python 3.11
    "aiohttp with compression and a subprotocol": """GET {path} HTTP/1.1
Host: {host}
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: {key}
Sec-WebSocket-Protocol: casare
Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits
Accept: */*
Accept-Encoding: gzip, deflate
User-Agent: Python/3.11 aiohttp/3.14.5

""",
    # websocket-client 1.9.2, Python 3.11
    "websocket-client": """GET {path} HTTP/1.1
Upgrade: websocket
Host: {host}
Origin: http://{host}
Sec-WebSocket-Key: {key}
Sec-WebSocket-Version: 13
Connection: Upgrade

""",
    # websockets 17.4, Python 3.11
    "websockets": """GET {path} HTTP/1.1
Host: {host}
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Key: {key}
Sec-WebSocket-Version: 13
Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits
User-Agent: Python/3.11 websockets/17.4

""",
    # Node 20.20.2, --experimental-websocket
    "the WebSocket of Node": """GET {path} HTTP/1.1
host: {host}
connection: upgrade
upgrade: websocket
sec-websocket-key: {key}
sec-websocket-version: 13
sec-websocket-extensions: permessage-deflate; client_max_window_bits
accept: */*
accept-language: *
sec-fetch-mode: websocket
user-agent: node
pragma: no-cache
cache-control: no-cache
accept-encoding: gzip, deflate

""",
    # undici 8.23.0, Node 20.20.2
    "undici": """GET {path} HTTP/1.1
host: {host}
connection: upgrade
upgrade: websocket
sec-websocket-key: {key}
sec-websocket-version: 13
sec-websocket-extensions: permessage-deflate; client_max_window_bits
accept: */*
accept-language: *
sec-fetch-mode: websocket
user-agent: undici
pragma: no-cache
cache-control: no-cache
accept-encoding: gzip, deflate

""",
    # ws 7.30.2
    "ws": """GET {path} HTTP/1.1
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: {key}
Connection: Upgrade
Upgrade: websocket
Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits
Host: {host}

""",
    # OpenJDK 17.0.21.1, java.net.http
    "the JDK": """GET {path} HTTP/1.1
Connection: Upgrade
Host: {host}
Upgrade: websocket
User-Agent: Java-http-client/17.0.21.1
Sec-WebSocket-Key: {key}
Sec-WebSocket-Version: 13

""",
    # gorilla/websocket 1.5.0, Go 1.19.8
    "gorilla/websocket": """GET {path} HTTP/1.1
Host: {host}
User-Agent: Go-http-client/1.1
Connection: Upgrade
Sec-WebSocket-Key: {key}
Sec-WebSocket-Version: 13
Upgrade: websocket

""",
    # nhooyr.io/websocket 1.8.7, Go 1.19.8
    "nhooyr.io/websocket": """GET {path} HTTP/1.1
Host: {host}
User-Agent: Go-http-client/1.1
Connection: Upgrade
Sec-Websocket-Extensions: permessage-deflate; client_no_context_takeover; server_no_context_takeover
Sec-Websocket-Key: {key}
Sec-Websocket-Version: 13
Upgrade: websocket
Accept-Encoding: gzip

""",
    # golang.org/x/net 0.7.0, Go 1.19.8
    "golang.org/x/net/websocket": """GET {path} HTTP/1.1
Host: {host}
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Key: {key}
Origin: http://{host}
Sec-WebSocket-Version: 13

""",
    # Mojolicious 9.31, Perl 5.36.0
    "Mojolicious": """GET {path} HTTP/1.1
Accept-Encoding: gzip
Connection: Upgrade
Host: {host}
Sec-WebSocket-Key: {key}
Sec-WebSocket-Version: 13
Upgrade: websocket
User-Agent: Mojolicious (Perl)

""",
    # curl 7.88.1, headers as options
    "curl": """GET {path} HTTP/1.1
Host: {host}
User-Agent: curl/7.88.1
Accept: */*
Connection: Upgrade
Upgrade: websocket
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: {key}

""",
}

WRITTEN = {
    # OpenJDK 11, java.net.http: HttpClient adds `Content-Length: 0` to a GET without a body publisher
    "the JDK with a length": """GET {path} HTTP/1.1
Connection: Upgrade
Content-Length: 0
Host: {host}
Upgrade: websocket
User-Agent: Java-http-client/11.0.20
Sec-WebSocket-Key: {key}
Sec-WebSocket-Version: 13

""",
    # .NET 6, WebSocketHandle.Managed.cs (AddWebSocketHeaders) over SocketsHttpHandler, which writes Host first
    "ClientWebSocket of .NET": """GET {path} HTTP/1.1
Host: {host}
Connection: Upgrade
Upgrade: websocket
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: {key}

""",
    # Dart 2.12, websocket_impl.dart and http_headers.dart: lower case, and a length of 0 for every GET
    "Dart": """GET {path} HTTP/1.1
user-agent: Dart/2.12 (dart:io)
connection: Upgrade
cache-control: no-cache
accept-encoding: gzip
content-length: 0
sec-websocket-version: 13
host: {host}
sec-websocket-extensions: permessage-deflate; client_max_window_bits
sec-websocket-key: {key}
upgrade: websocket

""",
    # OkHttp 4.12, RealWebSocket.kt (connect) and BridgeInterceptor.kt
    "OkHttp": """GET {path} HTTP/1.1
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Key: {key}
Sec-WebSocket-Version: 13
Sec-WebSocket-Extensions: permessage-deflate
Host: {host}
Accept-Encoding: gzip
User-Agent: okhttp/4.12.0

""",
    # Firefox, RFC 6455 with the headers of a page of our own: two options of the connection in one header
    "Firefox": """GET {path} HTTP/1.1
Host: {host}
User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0
Accept: */*
Accept-Language: en-US,en;q=0.5
Accept-Encoding: gzip, deflate, br, zstd
Sec-WebSocket-Version: 13
Origin: http://{host}
Sec-WebSocket-Extensions: permessage-deflate
Sec-WebSocket-Key: {key}
Connection: keep-alive, Upgrade
Sec-Fetch-Dest: empty
Sec-Fetch-Mode: websocket
Sec-Fetch-Site: same-origin
Pragma: no-cache
Cache-Control: no-cache
Upgrade: websocket

""",
}
