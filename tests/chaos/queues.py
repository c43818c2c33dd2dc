"""What JetStream still holds that nobody will ever need."""

from __future__ import annotations

import nats

from services.common import bus


async def left_over(url: str) -> int:
    """Messages of jobs that are still there, and of events that were not delivered or not acknowledged."""
    client = await nats.connect(url, max_reconnect_attempts=2)
    try:
        jetstream = client.jetstream()
        jobs = (await jetstream.stream_info(bus.JOBS_STREAM)).state.messages
        events = await jetstream.consumer_info(bus.NOTIFY.stream, bus.NOTIFY.durable)
        return jobs + (events.num_pending or 0) + (events.num_ack_pending or 0)
    finally:
        await client.close()
