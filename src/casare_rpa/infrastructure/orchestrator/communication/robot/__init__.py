"""Parts of the robot client. `websocket_client` is the public entry."""
