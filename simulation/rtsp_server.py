"""An RTSP server of H.264 clips, run by the system's Python (`/usr/bin/python3`), which alone has GStreamer.

usage: rtsp_server.py [--host ADDRESS] [--port N] [--user NAME --password TEXT] [--check]

Commands come as JSON lines on standard input, each is answered by one JSON line on standard output:

    {"id": 1, "mount": "barrier-1", "play": "approach.h264", "loop": false, "then": "stand.h264"}
    {"id": 1, "playing": "barrier-1"}  or  {"id": 1, "error": "..."}

`play` shows a clip from the next border of a group of pictures on; with `loop` for ever, otherwise once and
then `then` for ever (without `then` its last group of pictures stays). A mount begins to exist with its first
clip. The first line of the server is {"ready": true, "port": N}, or {"missing": "Debian package"}. `--check`
stops after that line. The server ends when standard input closes, so that it never outlives the process that
started it.

Clips are those of simulation/clips.py: Annex-B, 10 access units a second, each behind its delimiter. They are
sent in real time whether anybody looks or not, as by a camera; a viewer is first given the group being shown.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

Group = list[bytes]  # the access units of one group of pictures, its key frame first

FRAMES_PER_S = 10
START_CODE = b"\x00\x00\x00\x01"
DELIMITER = START_CODE + b"\x09"
IDR_SLICE, NAL_TYPE_MASK = 5, 0x1F

ELEMENTS = {
    "appsrc": "gstreamer1.0-plugins-base",
    "rtph264pay": "gstreamer1.0-plugins-good",
    "h264parse": "gstreamer1.0-plugins-bad",
}
PIPELINE = (
    "( appsrc name=source is-live=true format=time do-timestamp=true max-bytes=4000000 leaky-type=downstream"
    " caps=video/x-h264,stream-format=byte-stream,alignment=au,framerate={frames_per_s}/1"
    " ! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96 aggregate-mode=zero-latency )"
)


class MissingPackage(Exception):
    """The Debian package named by the message is not installed."""


class BadClip(Exception):
    """A file is not a clip that can be played; the message names it."""


def load_gstreamer() -> tuple[Any, Any, Any, Any]:
    """Gives the modules (GLib, Gst, GstRtsp, GstRtspServer), ready for use; raises MissingPackage."""
    try:
        import gi
    except ImportError as exc:
        raise MissingPackage("python3-gi") from exc
    for namespace, package in (
        ("Gst", "gir1.2-gstreamer-1.0"),
        ("GstRtsp", "gir1.2-gst-plugins-base-1.0"),
        ("GstRtspServer", "gir1.2-gst-rtsp-server-1.0"),
    ):
        try:
            gi.require_version(namespace, "1.0")
        except ValueError as exc:
            raise MissingPackage(package) from exc
    from gi.repository import GLib, Gst, GstRtsp, GstRtspServer

    Gst.init(None)
    for element, package in ELEMENTS.items():
        if Gst.ElementFactory.find(element) is None:
            raise MissingPackage(package)
    return GLib, Gst, GstRtsp, GstRtspServer


def read_clip(path: str | Path) -> list[Group]:
    """Gives the clip as groups of pictures, each a list of access units; raises BadClip."""
    try:
        stream = Path(path).read_bytes()
    except OSError as exc:
        raise BadClip(f"{path}: cannot be read ({exc.strerror})") from exc
    groups: list[Group] = []
    for unit in stream.split(DELIMITER)[1:]:
        if any(nal[:1] and nal[0] & NAL_TYPE_MASK == IDR_SLICE for nal in unit.split(START_CODE[1:])[1:]):
            groups.append([])
        if not groups:
            raise BadClip(f"{path}: does not begin with a key frame; make it with simulation.clips")
        groups[-1].append(DELIMITER + unit)
    if not groups:
        raise BadClip(f"{path}: holds no H.264 access unit behind a delimiter; make it with simulation.clips")
    return groups


class Playlist:
    """What one mount shows: groups of pictures one after another, without end."""

    def __init__(self, once: list[Group], forever: list[Group]) -> None:
        self.change(once, forever)
        self._group: Group = []
        self._next = 0

    def change(self, once: list[Group], forever: list[Group]) -> None:
        """From the next group on: the groups `once`, then the groups `forever` again and again."""
        self._coming, self._forever = list(once), list(forever)

    def advance(self) -> bytes:
        """The next access unit."""
        if self._next == len(self._group):
            self._coming = self._coming or list(self._forever)
            self._group, self._next = self._coming.pop(0), 0
        self._next += 1
        return self._group[self._next - 1]

    def shown_of_group(self) -> Group:
        """The access units of the present group that were shown already, its key frame first."""
        return self._group[: self._next]


class Mount:
    """One camera: a playlist that runs by itself, and the sources of the viewers' shared media."""

    def __init__(self, gst: Any, playlist: Playlist) -> None:
        self._gst = gst
        self._playlist = playlist
        self._source: Any = None
        # GStreamer configures media in a thread of its own
        self._lock = threading.Lock()

    def change(self, once: list[Group], forever: list[Group]) -> None:
        with self._lock:
            self._playlist.change(once, forever)

    def tick(self) -> None:
        with self._lock:
            unit = self._playlist.advance()
            if self._source is not None:
                self._push(unit)

    def on_media_configure(self, _factory: Any, media: Any) -> None:
        source = media.get_element().get_by_name("source")
        media.connect("unprepared", self._on_unprepared, source)
        with self._lock:
            self._source = source
            for unit in self._playlist.shown_of_group():
                self._push(unit)

    def _on_unprepared(self, _media: Any, source: Any) -> None:
        with self._lock:
            if self._source is source:
                self._source = None

    def _push(self, unit: bytes) -> None:
        self._source.emit("push-buffer", self._gst.Buffer.new_wrapped(unit))


class Server:
    """The RTSP server with its mounts; commands and frames run in one GLib main loop."""

    def __init__(
        self, arguments: argparse.Namespace, glib: Any, gst: Any, gst_rtsp: Any, gst_rtsp_server: Any
    ) -> None:
        self._glib, self._gst, self._rtsp = glib, gst, gst_rtsp_server
        self._mounts: dict[str, Mount] = {}
        self._loop = glib.MainLoop()
        self._frames_per_s = arguments.frames_per_s
        self._guarded = arguments.user is not None
        self._server = gst_rtsp_server.RTSPServer(address=arguments.host, service=str(arguments.port))
        if self._guarded:
            self._server.set_auth(digest_auth(gst_rtsp, gst_rtsp_server, arguments.user, arguments.password))
        self._next_tick_s = time.monotonic()

    def run(self) -> int:
        """Serves until standard input closes; gives the exit code."""
        if self._server.attach(None) == 0:
            answer(error="the RTSP server cannot listen on this address and port; choose another port")
            return 1
        threading.Thread(target=self._read_commands, daemon=True).start()
        answer(ready=True, port=self._server.get_bound_port())
        self._tick()
        self._loop.run()
        return 0

    def _tick(self) -> bool:
        for mount in self._mounts.values():
            mount.tick()
        now_s = time.monotonic()
        # after a stop (SIGSTOP) go on from now, as a camera does
        self._next_tick_s = max(self._next_tick_s + 1 / self._frames_per_s, now_s)
        self._glib.timeout_add(round(1000 * (self._next_tick_s - now_s)), self._tick)
        return False

    def _read_commands(self) -> None:
        for line in sys.stdin:
            self._glib.idle_add(self._obey, line)
        self._glib.idle_add(self._loop.quit)

    def _obey(self, line: str) -> bool:
        number = None
        try:
            command = json.loads(line)
            number = command.get("id")
            self._play(command)
            answer(id=number, playing=command["mount"])
        except (BadClip, ValueError, KeyError, AttributeError) as exc:
            answer(id=number, error=str(exc) if isinstance(exc, BadClip) else f"not understood: {exc!r}")
        return False

    def _play(self, command: dict[str, Any]) -> None:
        groups = read_clip(command["play"])
        if command.get("loop"):
            once, forever = [], groups
        else:
            once = groups
            forever = read_clip(command["then"]) if command.get("then") else groups[-1:]
        name = command["mount"]
        if name in self._mounts:
            self._mounts[name].change(once, forever)
        else:
            self._mounts[name] = Mount(self._gst, Playlist(once, forever))
            self._serve(name)

    def _serve(self, name: str) -> None:
        factory = self._rtsp.RTSPMediaFactory()
        factory.set_launch(PIPELINE.format(frames_per_s=self._frames_per_s))
        factory.set_shared(True)
        if self._guarded:
            permissions = self._rtsp.RTSPPermissions()
            permissions.add_permission_for_role("viewer", "media.factory.access", True)
            permissions.add_permission_for_role("viewer", "media.factory.construct", True)
            factory.set_permissions(permissions)
        factory.connect("media-configure", self._mounts[name].on_media_configure)
        self._server.get_mount_points().add_factory("/" + name, factory)


def digest_auth(gst_rtsp: Any, gst_rtsp_server: Any, user: str, password: str) -> Any:
    """Asks every viewer for user and password by HTTP digest (RFC 2617)."""
    auth = gst_rtsp_server.RTSPAuth()
    auth.set_supported_methods(gst_rtsp.RTSPAuthMethod.DIGEST)
    token = gst_rtsp_server.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.add_digest(user, password, token)
    return auth


def answer(**fields: object) -> None:
    """One JSON line to the process that started the server."""
    print(json.dumps(fields), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description="An RTSP server of H.264 clips; commands come on standard input."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--frames-per-s", type=int, default=FRAMES_PER_S)
    parser.add_argument("--user")
    parser.add_argument("--password", default="")
    parser.add_argument("--check", action="store_true", help="only say whether everything is installed")
    arguments = parser.parse_args()
    try:
        modules = load_gstreamer()
    except MissingPackage as exc:
        answer(missing=str(exc))
        return 1
    if arguments.check:
        answer(ready=True, port=0)
        return 0
    # Ctrl-C in a terminal reaches the whole group; this server waits for its parent to close the line
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return Server(arguments, *modules).run()


if __name__ == "__main__":
    sys.exit(main())
