"""The protocol: every decision of a call and of a listing, and no I/O at all.

Theory of operation. Two objects make decisions, and their caller carries them out.

A call (`call.CallFlow.attempts`) is a generator. It yields an action and receives the result of the action:

    action                result
    ReserveConnection()   None, once a connection is free
    GetCredentials()      FrozenCredentials
    Send(request)         Response, or an exception if there was no response
    Sleep(seconds)        None

1. Before the first action, the generator validates the parameters and builds the request target (`request`).
2. Each attempt reserves a connection, gets credentials, signs (`signing`) and yields the request.
3. An error is an exception or a response. It may have a retry reason (`retries`). If it has one, and if
   attempts and retry quota remain, the generator sleeps and returns to step 2. Otherwise it raises the error.
4. A successful response is parsed (`response`) and returned. A body that is not a page raises an error, and
   is never retried.

A listing (`pagination.Pagination`) is one pass over the pages. Its caller alternates between two methods:

    next_request()   the parameters of the next call, or None at the end
    receive(page)    the page to return; the position advances only here

5. The position is always directly after the last returned item. The resume token encodes it.
6. An exception between the two methods changes nothing: `next_request()` then returns the same request.

httpx uses one generator for its two clients in the same way (`Auth.auth_flow`), and h11 separates its
protocol from the sockets. As a result, no rule exists twice, and tests cover each rule without a socket or a
clock.

This package must not depend on httpx, sockets, waiting threads, event loops or the current time. Its callers
pass what it needs: a clock, a source of randomness, the received headers.
"""
