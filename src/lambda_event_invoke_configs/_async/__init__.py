"""The async client, for tasks on asyncio and trio. The twin of `_sync`, with the same modules.

    client      `AsyncClient` and its paginator: does what a call asks for, and awaits it
    transport   a pool of connections, each used by one task at a time
    sockets     httpcore's network backend: the sockets themselves
    functions   many functions at the same time, by tasks

Theory of operation. As `_sync`, with three additions:

1. anyio is the only event loop API, so that asyncio and trio run the same code.
2. Nothing blocks the event loop: credentials that need I/O are found in a thread.
3. Any `await` may be cancelled. What was returned stays valid, a connection whose exchange was cut off is
   closed, and a resume token continues from there.

This wing must not decide anything: what is sent, retried or cut is for `_protocol` to say.
"""
