"""What a gate tells the centre about itself, and the thumbnails of its passages. All of it may be lost; facts may not."""

import asyncio
import shutil
from pathlib import Path

from edge.gate import Gate, ShownLane
from edge.lane.view import CameraShown
from shared import protocol
from shared.node.link import Link

STATUS_EVERY_S = 5.0
LATEST_STATUS_S = 0.5


def will(site: str, node: str) -> tuple[str, bytes]:
    """The last will: this node is not there."""
    message = protocol.Status(node=node, site=site, online=False)
    return protocol.status_topic(site, node), protocol.encode(message)


def status(gate: Gate, data: Path) -> protocol.Status:
    """How the gate does now."""
    link = gate.link()
    return protocol.Status(
        node=gate.node,
        site=gate.site,
        online=True,
        at=str(gate.store.clock.now()),
        version=gate.version,
        lanes=[_lane(shown) for shown in gate.lanes.values()],
        unsent=link.unsent,
        unseen=link.unseen,
        quarantined=gate.store.quarantined(),
        refused=sorted(gate.sync.refused()) if gate.sync else [],
        clock=gate.store.steady.source.value,
        disk_free_mb=shutil.disk_usage(data).free // 1_000_000,
        disk=gate.disk.level.value,
    )


def _lane(shown: ShownLane) -> protocol.LaneStatus:
    lane = shown.lane
    return protocol.LaneStatus(
        name=lane.settings.name,
        place=lane.settings.place.value,
        state=lane.state.value,
        barrier=lane.boom.position.value,
        barrier_error=lane.trouble.get("barrier_lost"),
        cameras=[_camera(camera) for camera in shown.cameras()],
    )


def _camera(camera: CameraShown) -> protocol.CameraStatus:
    return protocol.CameraStatus(
        name=camera.name,
        state=camera.state,
        age_s=camera.age_s,
        troubles=list(camera.troubles),
        untrusted_share=camera.untrusted_share,
    )


async def report_status(gate: Gate, link: Link, data: Path) -> None:
    """Publishes the status every few seconds and soon after a change, until cancelled."""
    topic = protocol.status_topic(gate.site, gate.node)
    seen = -1
    while True:
        if link.connected:
            await link.publish(topic, protocol.encode(status(gate, data)), retain=True)
        await asyncio.sleep(LATEST_STATUS_S)
        seen = await gate.changes.wait(seen, STATUS_EVERY_S)


async def send_thumbnails(gate: Gate, link: Link) -> None:
    """Sends thumbnails that no broker has taken yet, oldest first, until cancelled.

    None while the disk is very low on room: the site's broker may keep its queue on it.
    """
    topic = protocol.pictures_topic(gate.site, gate.node)
    while True:
        if link.connected and gate.disk.allowed.telemetry:
            for name, jpeg in await asyncio.to_thread(gate.pictures.unsent):
                if not await link.publish(topic, jpeg, user={"sha256": name}):
                    break
                gate.pictures.sent(name)
        await asyncio.sleep(1.0)
