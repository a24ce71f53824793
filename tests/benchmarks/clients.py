"""What is measured, one measurement a process: a client lists pages and says what that took.

    python tests/benchmarks/clients.py CLIENT URL LISTINGS PAGES [MARK]...

lists LISTINGS functions of PAGES pages each: one after another, ours_many by ten threads (functions of one
page only), an asynchronous client all at the same time. It prints a line of JSON for each mark, a number of
pages received: CPU seconds and seconds since the start, resident bytes, blocks of Python's allocator. Before
it looks at the memory it collects garbage, and leaves the time for that out. Nothing is imported that the
client does not need itself, since that is measured too; the keys are in the environment.
"""

from __future__ import annotations

import gc
import os
import sys
import time

REGION = "us-east-1"
OPERATION = "list_function_event_invoke_configs"


def ours(url, pages):
    import lambda_event_invoke_configs as eic

    paginator = eic.Client(REGION, endpoint_url=url).get_paginator(OPERATION)
    return lambda: paginator.paginate(FunctionName=f"measured-{pages}")


def ours_many(url, pages, listings):
    import lambda_event_invoke_configs as eic

    names = (f"measured-{pages}" for _ in range(listings))
    for outcome in eic.Client(REGION, endpoint_url=url).list_for_functions(names):
        yield {"FunctionEventInvokeConfigs": outcome.configurations}


def boto3(url, pages):
    import boto3

    paginator = boto3.client("lambda", REGION, endpoint_url=url).get_paginator(OPERATION)
    return lambda: paginator.paginate(FunctionName=f"measured-{pages}")


def http_client(url, pages):
    """The least that Python can do: no signature, no time read, no error looked at."""
    import http.client
    import json

    connection = http.client.HTTPConnection(url.removeprefix("http://"))

    def listing():
        marker = ""
        while marker is not None:
            query = f"?Marker={marker}" if marker else ""
            connection.request(
                "GET", f"/2019-09-25/functions/measured-{pages}/event-invoke-config/list{query}"
            )
            page = json.loads(connection.getresponse().read())
            marker = page["NextMarker"]
            yield page

    return listing


def floor(url, pages):
    """httpx's transport, botocore's signer and json, put together by hand; no more than that."""
    import json
    import ssl

    import httpx

    transport = httpx.HTTPTransport(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), trust_env=False)
    signed = _signer(url, pages)

    def listing():
        marker = ""
        while marker is not None:
            response = transport.handle_request(signed(marker))
            page = json.loads(response.read())
            response.close()
            marker = page["NextMarker"]
            yield page

    return listing


async def floor_async(url, pages, listings, received):
    """The same with httpx's asynchronous transport."""
    import json
    import ssl

    import httpx

    signed = _signer(url, pages)
    async with httpx.AsyncHTTPTransport(
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), trust_env=False
    ) as transport:
        for _ in range(listings):
            marker = ""
            while marker is not None:
                response = await transport.handle_async_request(signed(marker))
                page = json.loads(await response.aread())
                await response.aclose()
                marker = page["NextMarker"]
                received(page)


def _signer(url, pages):
    import httpx
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    keys = Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    signer = SigV4Auth(keys, "lambda", REGION)
    path = f"{url}/2019-09-25/functions/measured-{pages}/event-invoke-config/list"

    def signed(marker):
        target = f"{path}?Marker={marker}" if marker else path
        to_sign = AWSRequest("GET", target)
        signer.add_auth(to_sign)
        return httpx.Request("GET", target, headers=dict(to_sign.headers))

    return signed


async def ours_async(url, pages, listings, received):
    import lambda_event_invoke_configs as eic

    async with eic.AsyncClient(REGION, endpoint_url=url) as client:
        await _all(client.get_paginator(OPERATION), pages, listings, received)


async def aiobotocore(url, pages, listings, received):
    from aiobotocore.session import get_session

    async with get_session().create_client("lambda", REGION, endpoint_url=url) as client:
        await _all(client.get_paginator(OPERATION), pages, listings, received)


async def _all(paginator, pages, listings, received):
    import asyncio

    async def one():
        async for page in paginator.paginate(FunctionName=f"measured-{pages}"):
            received(page)

    await asyncio.gather(*(one() for _ in range(listings)))


def resident():
    """The process's resident memory in bytes; 0 where the system has no /proc."""
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def main(client, url, listings, pages, *marks):
    count = 0
    waiting = sorted(int(mark) for mark in marks)
    cpu, wall = time.process_time(), time.perf_counter()

    def received(page):
        nonlocal count
        assert len(page["FunctionEventInvokeConfigs"]) == 50
        count += 1
        if waiting and count == waiting[0]:
            waiting.pop(0)
            report()

    def report():
        nonlocal cpu, wall
        now, now_wall = time.process_time(), time.perf_counter()
        gc.collect()
        print(
            f'{{"pages": {count}, "cpu": {now - cpu}, "seconds": {now_wall - wall}, '
            f'"resident": {resident()}, "blocks": {sys.getallocatedblocks()}}}',
            flush=True,
        )
        cpu += time.process_time() - now
        wall += time.perf_counter() - now_wall

    run = globals()[client]
    if run.__code__.co_argcount == 4:
        import asyncio

        asyncio.run(run(url, int(pages), int(listings), received))
    elif run.__code__.co_argcount == 3:
        for page in run(url, int(pages), int(listings)):
            received(page)
    else:
        listing = run(url, int(pages))
        for _ in range(int(listings)):
            for page in listing():
                received(page)
    assert count == int(listings) * int(pages)


if __name__ == "__main__":
    main(*sys.argv[1:])
