"""How Chromium is started: its flags, its user, its environment. Pure but for reading who we are."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

# Chromium reads commands from file 3 and writes to file 4. Both are the socket that it is started with as its input.
_PIPES = ("/bin/sh", "-c", 'exec "$@" 3<&0 4>&0 0</dev/null', "sh")
# Of no account, so that a browser owns nothing but its own folder.
UNPRIVILEGED_UID = 61666

# Closed: every name and every address literal, and UDP past the resolver.
_NO_NETWORK = (
    "--host-resolver-rules=MAP * ~NOTFOUND",
    # chromium-headless-shell obeys the first of these, the full browser the second.
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-quic",
    "--dns-prefetch-disable",
    "--no-pings",
)
_NO_FEATURES = (
    "Translate",
    "MediaRouter",
    "OptimizationHints",
    "SpareRendererForSitePerProcess",
    "AutoupgradeMixedContent",
    # It makes every weight of a font a typeface of its own, even where they are one file: PDFs hold that as often.
    "FontDataServiceLinux",
    # It makes a frame and a compositor anew for each document that a page goes to, which takes as long as painting it.
    "RenderDocument",
)
_QUIET = (
    "--no-startup-window",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-field-trial-config",
    "--disable-sync",
    f"--disable-features={','.join(_NO_FEATURES)}",
    # Documents with scripts are shown under an https address: they load over http what all others load. And images that
    # move show their first picture (2), whenever they are captured.
    "--blink-settings=allowRunningOfInsecureContent=true,imageAnimationPolicy=2",
    "--metrics-recording-only",
    "--mute-audio",
)
# A frame is drawn only when it is asked for, whole. Without the second, pages go on preparing them.
_NO_FRAMES = ("--enable-begin-frame-control", "--run-all-compositor-stages-before-draw", "--disable-partial-raster")
_DRAWING = (
    "--disable-gpu",
    # By default pictures are painted in tiles of 256 pixels, and gradients and shadows are set up anew for each.
    "--default-tile-width=2048",
    "--default-tile-height=2048",
    # Each document that a page shows leaves two megabytes of garbage. V8 lets a small heap grow by eight before it
    # collects, and marking what is still in use takes as long as laying a document out.
    "--js-flags=--initial-heap-size=32",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    # Images are decoded before a frame is drawn, not after.
    "--disable-checker-imaging",
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
    "--hide-scrollbars",
    # /dev/shm is 64 MB in a container.
    "--disable-dev-shm-usage",
)


def unprivileged_owner() -> int | None:
    """The uid and gid that Chromium runs under; None for our own."""
    return UNPRIVILEGED_UID if os.geteuid() == 0 else None


def can_leave_frames_out(chromium: str) -> bool:
    """Whether a Chromium draws only when it is asked to. Only the one made for servers does."""
    return "headless-shell" in Path(chromium).name


def command(chromium: str, profile: Path, *, sandbox: bool, draws: bool) -> list[str]:
    """The command that starts Chromium with a socket as its input, steered over that, dying with its parent.

    One that does not draw by itself is asked for every frame. As root it becomes an unprivileged user first, because
    Chromium's sandbox refuses to run as root.
    """
    setpriv = shutil.which("setpriv") or "setpriv"
    user = unprivileged_owner()
    drop = [f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user is not None else []
    return [
        setpriv,
        *drop,
        "--no-new-privs",
        "--pdeathsig=KILL",
        "--",
        *_PIPES,
        chromium,
        "--headless",
        "--remote-debugging-pipe=cbor",
        f"--user-data-dir={profile}",
        *_NO_NETWORK,
        *_QUIET,
        *_DRAWING,
        *(() if draws else _NO_FRAMES),
        *([] if sandbox else ["--no-sandbox"]),
    ]


def environment(home: Path) -> dict[str, str]:
    """All that Chromium sees of our environment: none of our settings, none of our secrets."""
    return {"HOME": str(home), "TMPDIR": str(home), "PATH": os.defpath, "LANG": "C.UTF-8", "TZ": "UTC"}
