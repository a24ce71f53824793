"""The async client, for tasks on asyncio and trio. The twin of `_sync`, with the same modules.

    client      `AsyncClient` and its paginator: carries out the actions of a call; awaits
    transport   a pool of connections, each used by one task at a time
    sockets     httpcore's network backend: the sockets themselves
    functions   many functions at the same time, by tasks

Theory of operation. The same as in `_sync`, with three additions:

1. anyio is the only event loop API, so that asyncio and trio run the same code.
2. Nothing blocks the event loop: a worker thread loads credentials that need I/O.
3. Any `await` may be cancelled. Returned items stay valid, the connection of an interrupted request is
   closed, and the resume token continues from the last returned item.

This package makes no decisions: `_protocol` decides what to send, what to retry and where to cut.
"""
