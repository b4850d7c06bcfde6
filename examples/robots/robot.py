"""A robot for contract 1.0 with the `websockets` package: python robot.py ws://127.0.0.1:8000 robot-1"""

import json
import os
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from threading import Event, Thread

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

address, robot_id = sys.argv[1:3]
outbox = []  # keeps messages while there is no connection
stops = {}  # the stop event of each running job


def send(kind, **payload):
    outbox.append(json.dumps({"type": kind, "payload": {**payload, "timestamp": datetime.now(UTC).isoformat()}}))


def work(job_id, stop, steps=3, seconds=1):
    send("job_status", job_id=job_id, status="claimed", progress=0)
    for step in range(steps):
        send("job_status", job_id=job_id, status="running", progress=100 * step // steps, message=f"step {step + 1}")
        send("log", robot_id=robot_id, level="INFO", message=f"step {step + 1} of {steps}", job_id=job_id)
        if stop.wait(seconds):
            break
    send("job_status", job_id=job_id, status="failed" if stop.is_set() else "completed", progress=100)
    del stops[job_id]


def receive(kind, payload):
    job_id = payload.get("job_id")
    if kind == "job_assign" and job_id not in stops:
        Thread(target=work, args=(job_id, stops.setdefault(job_id, Event())), kwargs=payload["parameters"]).start()
    elif kind == "job_cancel" and job_id in stops:
        stops[job_id].set()
    elif kind == "error":
        sys.stderr.write(f"refused: {payload}\n")


delay_seconds, status, beat_at = 1, "idle", 0
while True:
    try:
        with connect(f"{address}/ws/robot/{robot_id}?api_key={os.environ['CASARE_API_KEY']}") as socket:
            while True:
                if status != (status := "busy" if stops else "idle") or time.monotonic() > beat_at + 30:
                    beat_at = time.monotonic()
                    send("heartbeat", robot_id=robot_id, status=status, cpu_percent=0, memory_mb=0)
                while outbox:
                    socket.send(outbox.pop(0))
                with suppress(TimeoutError):
                    message = json.loads(socket.recv(timeout=0.1))
                    delay_seconds = 1 if message["type"] == "connected" else delay_seconds
                    receive(message["type"], message["payload"])
    except (OSError, WebSocketException) as error:
        print(error, file=sys.stderr)
    time.sleep(delay_seconds := min(60, 2 * delay_seconds))
