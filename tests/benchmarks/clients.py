"""What is measured, one measurement a process: a client lists pages and says what that took.

    python tests/benchmarks/clients.py CLIENT URL LISTINGS PAGES [MARK]...

lists LISTINGS functions of PAGES pages each: one after another, an asynchronous client all at the same time.
The clients for many functions (of one page each) list 32 at a time, ours_many 10. The certificate of an https
URL is checked against AWS_CA_BUNDLE. It prints a line of JSON for each mark, a number of pages received: CPU
seconds and seconds since the start, resident bytes and their peak, blocks of Python's allocator. Before it
looks at the memory it collects garbage, and leaves the time for that out. Nothing is imported that the client
does not need itself, since that is measured too; the credentials are in the environment.
"""

from __future__ import annotations

import gc
import os
import sys
import time

REGION = "us-east-1"
OPERATION = "list_function_event_invoke_configs"
AT_A_TIME = 32


def ours(url, pages):
    import lambda_event_invoke_configs as eic

    paginator = eic.Client(REGION, endpoint_url=url).get_paginator(OPERATION)
    return lambda: paginator.paginate(FunctionName=f"measured-{pages}")


def ours_many(url, pages, listings, at_a_time=10):
    import lambda_event_invoke_configs as eic

    names = (f"measured-{pages}" for _ in range(listings))
    config = eic.Config(max_pool_connections=at_a_time)
    client = eic.Client(REGION, endpoint_url=url, config=config)
    for outcome in client.list_for_functions(names, max_concurrency=at_a_time):
        yield {"FunctionEventInvokeConfigs": outcome.configurations}


def ours_pool(url, pages, listings):
    return ours_many(url, pages, listings, AT_A_TIME)


def boto3_pool(url, pages, listings):
    """As boto3's users do it: one client, a pool of threads, the full result of each function."""
    from concurrent.futures import ThreadPoolExecutor

    import boto3
    from botocore.config import Config

    config = Config(max_pool_connections=AT_A_TIME)
    paginator = boto3.client("lambda", REGION, endpoint_url=url, config=config).get_paginator(OPERATION)

    def one(_):
        return paginator.paginate(FunctionName=f"measured-{pages}").build_full_result()

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        yield from pool.map(one, range(listings))


def ours_full(url, pages, listings):
    return _full_result(ours(url, pages), pages)


def boto3_full(url, pages, listings):
    return _full_result(boto3(url, pages), pages)


def _full_result(listing, pages):
    """The first page of a listing, and the full result of another: as many pages as other clients yield."""
    yield next(iter(listing()))
    found = listing().build_full_result()["FunctionEventInvokeConfigs"]
    for page in range(1, pages):
        yield {"FunctionEventInvokeConfigs": found[page * 50 : page * 50 + 50]}


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


def baseline(url, pages):
    """httpx's transport, botocore's signer and json, put together by hand; no more than that."""
    import json

    import httpx

    transport = httpx.HTTPTransport(verify=_tls(url), trust_env=False)
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


async def baseline_async(url, pages, listings, received):
    """The same with httpx's asynchronous transport."""
    import json

    import httpx

    signed = _signer(url, pages)
    async with httpx.AsyncHTTPTransport(verify=_tls(url), trust_env=False) as transport:
        for _ in range(listings):
            marker = ""
            while marker is not None:
                response = await transport.handle_async_request(signed(marker))
                page = json.loads(await response.aread())
                await response.aclose()
                marker = page["NextMarker"]
                received(page)


def _tls(url):
    import ssl

    if url.startswith("https"):
        return ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


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


async def ours_on_trio(url, pages, listings, received):
    import lambda_event_invoke_configs as eic

    async with eic.AsyncClient(REGION, endpoint_url=url) as client:
        paginator = client.get_paginator(OPERATION)
        for _ in range(listings):
            async for page in paginator.paginate(FunctionName=f"measured-{pages}"):
                received(page)


async def aiobotocore(url, pages, listings, received):
    from aiobotocore.session import get_session

    async with get_session().create_client("lambda", REGION, endpoint_url=url) as client:
        await _all(client.get_paginator(OPERATION), pages, listings, received)


async def ours_tasks(url, pages, listings, received):
    import lambda_event_invoke_configs as eic

    config = eic.Config(max_pool_connections=AT_A_TIME)
    names = (f"measured-{pages}" for _ in range(listings))
    async with (
        eic.AsyncClient(REGION, endpoint_url=url, config=config) as client,
        client.list_for_functions(names, max_concurrency=AT_A_TIME) as outcomes,
    ):
        async for outcome in outcomes:
            received({"FunctionEventInvokeConfigs": outcome.configurations})


async def aiobotocore_gather(url, pages, listings, received):
    """As aiobotocore's users do it: one client, gather(), a semaphore, the full result of each function."""
    import asyncio

    from aiobotocore.config import AioConfig
    from aiobotocore.session import get_session

    slots = asyncio.Semaphore(AT_A_TIME)
    config = AioConfig(max_pool_connections=AT_A_TIME)

    async def one():
        async with slots:
            received(await paginator.paginate(FunctionName=f"measured-{pages}").build_full_result())

    async with get_session().create_client("lambda", REGION, endpoint_url=url, config=config) as client:
        paginator = client.get_paginator(OPERATION)
        await asyncio.gather(*(one() for _ in range(listings)))


async def aws_sdk(url, pages, listings, received):
    """AWS's own SDK without botocore; it has no paginators."""
    from aws_sdk_lambda.client import AsyncLambdaClient
    from aws_sdk_lambda.config import AsyncLambdaConfig
    from aws_sdk_lambda.models import ListFunctionEventInvokeConfigsInput

    config = await AsyncLambdaConfig.resolve(endpoint_uri=url, region=REGION)
    client = AsyncLambdaClient(config=config)
    for _ in range(listings):
        marker = None
        while True:
            asked = ListFunctionEventInvokeConfigsInput(function_name=f"measured-{pages}", marker=marker)
            page = await client.list_function_event_invoke_configs(asked)
            received({"FunctionEventInvokeConfigs": page.function_event_invoke_configs})
            marker = page.next_marker
            if marker is None:
                break


async def _all(paginator, pages, listings, received):
    import asyncio

    async def one():
        async for page in paginator.paginate(FunctionName=f"measured-{pages}"):
            received(page)

    await asyncio.gather(*(one() for _ in range(listings)))


def memory():
    """The process's resident memory in bytes, now and at most; zeros where the system has no /proc.

    Not getrusage()'s: that begins with what the process had from which this one was started.
    """
    try:
        with open("/proc/self/status") as status:
            sizes = dict(line.split(":") for line in status)
    except OSError:
        return 0, 0
    return tuple(int(sizes[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))


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
        resident, peak = memory()
        print(
            f'{{"pages": {count}, "cpu": {now - cpu}, "seconds": {now_wall - wall}, '
            f'"resident": {resident}, "peak": {peak}, "blocks": {sys.getallocatedblocks()}}}',
            flush=True,
        )
        cpu += time.process_time() - now
        wall += time.perf_counter() - now_wall

    run = globals()[client]
    if run is ours_on_trio:
        import trio

        trio.run(run, url, int(pages), int(listings), received)
    elif run.__code__.co_flags & 0x80:  # a coroutine function
        import asyncio

        asyncio.run(run(url, int(pages), int(listings), received))
    elif run.__code__.co_argcount > 2:
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
