"""A batch of 100 certificates, end to end: a stack of its own, a webhook, files and a contact sheet."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from receiver import Receiver

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
DATA = ROOT / ".pressline" / "demo"
OUT = ROOT / "demo-output"
PRESSLINE = str(Path(sys.executable).parent / "pressline")
UP_SECONDS, BATCH_SECONDS, WEBHOOK_SECONDS, DOWN_SECONDS, CALL_SECONDS = 180, 600, 30, 120, 30


def main() -> None:
    """Start, render, show, stop."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _as_interrupt)
    try:
        with Receiver() as receiver, running_stack(receiver.address) as api:
            key = pressline(
                "keys", "create", "--account", "demo", "--plan", "pro", "--data", str(DATA), timeout=CALL_SECONDS
            )
            render(api, key, receiver)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(Path(str(word)).name for word in error.cmd[:2])} failed: {(error.stderr or '').strip()}")
    except KeyboardInterrupt:
        sys.exit(130)


@contextmanager
def running_stack(webhook_address: str) -> Iterator[str]:
    """A stack under `.pressline/demo`, on free ports, allowed to call the receiver; stopped whatever happens."""
    print("Starting Pressline: a database, a message server, object storage and four services.")
    started = time.monotonic()
    port, grpc_port = free_ports(2)
    ports = ("--port", str(port), "--grpc-port", str(grpc_port))
    try:
        # What an earlier demo may have left running allows another receiver.
        pressline("down", "--data", str(DATA), timeout=DOWN_SECONDS)
        said = pressline(
            "up", "--detach", "--data", str(DATA), *ports, "--renderers", "1",
            timeout=UP_SECONDS, PRESSLINE_WEBHOOK_ALLOW=webhook_address,
        )  # fmt: skip
        api = json.loads(said.splitlines()[-1])["api"]
        print(f"Ready after {time.monotonic() - started:.1f} s at {api}.\n")
        yield api
    finally:
        # Stopping takes seconds and must not be cut short by a second Ctrl-C.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        pressline("down", "--data", str(DATA), timeout=DOWN_SECONDS)
        print("Pressline has stopped.")


def render(api: str, key: str, receiver: Receiver) -> None:
    """Run the batch as a user would, then wait for its webhook."""
    print("Rendering 100 certificates of 1600 x 1130 pixels.")
    started = time.monotonic()
    command = [
        PRESSLINE, "batch", str(EXAMPLES / "certificate.html"), str(EXAMPLES / "certificates.csv"),
        "--format", "png", "--out", str(OUT), "--name", "{{serial}} {{name}}.png", "--reference", "serial",
        "--webhook", receiver.url,
    ]  # fmt: skip
    environment = os.environ | {"PRESSLINE_API_URL": api, "PRESSLINE_API_KEY": key}
    run_interruptibly(command, environment)
    seconds = time.monotonic() - started
    event = receiver.verified_event(api, key, WEBHOOK_SECONDS)
    count = json.loads((OUT / "manifest.json").read_text("utf-8"))["succeeded"]
    print(f"\n{count} certificates in {seconds:.1f} s, contact sheet included: {count / seconds:.1f} a second.")
    print(f"The webhook came and its signature is right: {event['event']}, {event['data']['status']}.")
    print(f"\nFiles           {OUT}\nContact sheet   {OUT / 'contact-sheet.png'}")
    print(
        "Next            edit examples/certificate.html, or run `.venv/bin/pressline up` and try examples/README.md\n"
    )


def run_interruptibly(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run a command that cancels its batches when it is interrupted, and give it the time for that."""
    # In a session of its own, so that a Ctrl-C reaches it once: from here.
    with subprocess.Popen(command, env=environment, start_new_session=True) as process:
        try:
            code = process.wait(timeout=BATCH_SECONDS)
        except BaseException:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=CALL_SECONDS)
            process.kill()
            raise
    if code != 0:
        raise subprocess.CalledProcessError(code, command)


def pressline(*arguments: str, timeout: float, **environment: str) -> str:
    """Run the command line and return what it printed."""
    done = subprocess.run(
        [PRESSLINE, *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=timeout,
        env=os.environ | environment,
    )
    return done.stdout.strip()


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [int(server.getsockname()[1]) for server in held]
    finally:
        for server in held:
            server.close()


def _as_interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
