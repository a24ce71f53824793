"""The sync client, for threads. The twin of `_async`, with the same modules.

    client      `Client` and its paginator: carries out the actions of a call; blocks
    transport   a pool of connections, each used by one thread at a time
    sockets     httpcore's network backend: the sockets themselves
    functions   many functions at the same time, by threads

Theory of operation. Calls do not affect each other's state: the state of a call is in its generator, and the
state of a listing is in its `Pagination`. Calls share the retry quota, the rate limiter, the clock offset and
the credentials, each with a separate lock, and the connection pool.

This package makes no decisions: `_protocol` decides what to send, what to retry and where to cut.
"""
