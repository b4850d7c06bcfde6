"""CPU and memory use of the machine, for heartbeats."""

import logging

import psutil

logger = logging.getLogger(__name__)

BYTES_PER_MB = 1024 * 1024


def sample() -> tuple[float, float]:
    """CPU use in percent since the last call, and used memory in MB. Zeros when they cannot be read."""
    try:
        memory = psutil.virtual_memory()
        return psutil.cpu_percent(interval=None), round((memory.total - memory.available) / BYTES_PER_MB, 1)
    except (psutil.Error, OSError) as error:
        logger.debug("CPU and memory cannot be read: %s", error)
        return 0.0, 0.0
