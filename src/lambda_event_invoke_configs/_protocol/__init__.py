"""The protocol: every decision of a call and of a listing, and no I/O at all.

Theory of operation. Two objects decide; their caller does what they ask for.

A call (`call.CallFlow.attempts`) is a generator. It yields an action, and is sent the action's result:

    action                result
    ReserveConnection()   None, when a connection may be used
    GetCredentials()      FrozenCredentials
    Send(request)         Response, or the exception of an exchange that had no response
    Sleep(seconds)        None

1. The generator checks the parameters and builds the request target (`request`). Nothing was yielded yet.
2. Each attempt reserves a connection, asks for credentials, signs (`signing`), and yields the request.
3. An error, be it an exception or a response, has a retry reason or none (`retries`). With a reason, with
   attempts left and with enough retry quota, the generator sleeps and goes back to 2. Otherwise it raises.
4. A success is parsed (`response`) and returned. A body that is not a page is raised, and never retried.

A listing (`pagination.Pagination`) is one pass over the pages, a pair of methods called in turns:

    next_request()   the parameters of the next call, or None at the end
    receive(page)    the page as it is to be returned; only now the position moves

5. The position is always right after what was returned. It is the resume token.
6. Whatever raises between the two methods changes nothing: `next_request()` then gives the same request.

httpx serves its two clients by one generator in the same way (`Auth.auth_flow`), and h11 keeps its protocol
apart from the sockets. So nothing is written twice, and each rule is tested without a socket or a clock.

This wing must not know: httpx, sockets, threads that wait, event loops, the current time. What it needs of
these is passed in: a clock, a source of randomness, the headers that arrived.
"""
