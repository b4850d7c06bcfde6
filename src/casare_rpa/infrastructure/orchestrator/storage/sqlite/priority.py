"""The priority of a thread that runs C code for long, below that of the threads that answer robots. Linux only.

Niceness alone does not keep such a thread from delaying others: since Linux 6.6, a thread that wakes up waits until the
running one has used its slice, 3 ms, also if that one is nice. Since 6.12 a thread with a shorter slice need not wait.
Source: https://man7.org/linux/man-pages/man2/sched_setattr.2.html.
"""

import ctypes
import os
import platform
import sys
import threading

NICENESS = 10
SLICE_NANOSECONDS = 100_000_000
"""The longest that the kernel accepts. The share of the core follows from the niceness alone."""
SET_ATTRIBUTES = {"x86_64": 314, "aarch64": 274}
"""The number of the system call, which the C library did not offer before glibc 2.41."""


class Attributes(ctypes.Structure):
    """`struct sched_attr` of the kernel, in its first version."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("niceness", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
    )


def give_way() -> None:
    """Let threads that wake up run before this one. Where the kernel refuses the slice, only the niceness is set.

    A thread that holds the interpreter lock must not give way for long, because all others wait for it. So this is for
    threads that run in C without the lock, and the share of the core stays that of the niceness.
    """
    if sys.platform != "linux":
        return
    thread = threading.get_native_id()
    niceness = min(19, os.getpriority(os.PRIO_PROCESS, thread) + NICENESS)
    os.setpriority(os.PRIO_PROCESS, thread, niceness)
    number = SET_ATTRIBUTES.get(platform.machine())
    if number is not None:
        wanted = Attributes(
            size=ctypes.sizeof(Attributes), policy=os.SCHED_OTHER, niceness=niceness, runtime=SLICE_NANOSECONDS
        )
        # The result is not needed: kernels before 6.12 ignore the slice, and a container may forbid the call.
        ctypes.CDLL(None).syscall(number, thread, ctypes.byref(wanted), 0)
