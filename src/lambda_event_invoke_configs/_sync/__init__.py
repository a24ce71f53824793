"""The sync client, for threads. The twin of `_async`, with the same modules.

    client      `Client` and its paginator: does what a call asks for, and blocks meanwhile
    transport   a pool of connections, each used by one thread at a time
    sockets     httpcore's network backend: the sockets themselves
    functions   many functions at the same time, by threads

Theory of operation. A client has no state that one call could spoil for another: a call's state is in its
generator, a listing's in its `Pagination`. Calls share the retry quota, the rate limiter, the clock offset
and the credentials, each guarded by a lock of its own, and the pool of connections.

This wing must not decide anything: what is sent, retried or cut is for `_protocol` to say.
"""
