"""Code that the sync and the async client share: everything except waiting.

    base        arguments, `meta`, `exceptions`
    paginator   paginators and page iterators, except `__next__` and `__anext__`
    outcome     the result for one of many functions, as a value
    http        conversion to and from httpx: requests, responses, TLS, failures to botocore's exceptions
    network     below httpx: deadlines, size limits, unread data on a connection

Theory of operation. Requests go to an httpx transport, not to an httpx client, because a client adds
redirects, cookies and headers, which a signed request must not have. The transport belongs to the user, or is
this library's (`_sync.transport`, `_async.transport`): httpx's transport with limits of time and size.

1. The request target is sent byte for byte as it was signed (`http._ExactURL`).
2. A response is read completely, or its connection is closed.
3. A failure is converted immediately, and httpx's exception is dropped, because its request contains the
   signed headers.

This package must not depend on which of the two clients calls it.
"""
