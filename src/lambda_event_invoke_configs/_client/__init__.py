"""What the sync and the async client share: everything except waiting.

    base        arguments, `meta`, `exceptions`
    paginator   paginators and page iterators, except `__next__` and `__anext__`
    outcome     one function's listing among many, as a value
    http        to and from httpx: requests, responses, TLS, and botocore's exception for each failure
    network     below httpx: how long an exchange may take, how much is read, what is left in a connection

Theory of operation. Requests go to an httpx transport, not to an httpx client: the client would add
redirects, cookies and headers, none of which a signed request may have. The transport is the user's own, or
one of ours (`_sync.transport`, `_async.transport`), which are httpx's within limits of time and size.

1. A request's target goes on the wire byte for byte as it was signed (`http.ExactURL`).
2. A response is read to its end, or its connection is closed.
3. A failure is translated at once, and httpx's exception is dropped: its request holds the headers.

This wing must not know: which of the two clients calls it.
"""
