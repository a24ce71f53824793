"""Workers that list from a service with a rate limit, on a virtual clock.

The workers drive `CallFlow.attempts()` as the clients do, without network and waiting: what would take
minutes takes a second, and the same seed gives the same result each time.
"""

from __future__ import annotations

import functools
import heapq
import itertools
import random
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Protocol

from botocore import UNSIGNED
from botocore.exceptions import CapacityNotAvailableError
from botocore.retries import adaptive, bucket, throttling

from lambda_event_invoke_configs._protocol.call import CallFlow, ReserveConnection, Send, Sleep
from lambda_event_invoke_configs._protocol.response import Response
from lambda_event_invoke_configs._settings.config import Config
from lambda_event_invoke_configs._settings.resolve import resolve
from lambda_event_invoke_configs.exceptions import ClientError

PAGE = Response(200, {}, b'{"FunctionEventInvokeConfigs": []}')
THROTTLED = Response(429, {"x-amzn-errortype": "TooManyRequestsException"}, b'{"message": "Rate exceeded"}')
START = 1000.0  # what the clock says first, in seconds
INSTANT = 1e-9  # seconds; whoever wakes a rounding error too early would ask again at the same moment


class Limiter(Protocol):
    """What `CallFlow` asks of a rate limiter."""

    def place(self) -> int: ...

    def wait(self, place: int, now: float) -> float: ...

    def leave(self, place: int) -> None: ...

    def record(self, now: float, *, throttled: bool) -> None: ...


class BotocoreLimiter:
    """botocore's own, asked as ours is."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._bucket: Any = bucket.TokenBucket(max_rate=1, clock=self)
        self._limiter: Any = adaptive.ClientRateLimiter(
            rate_adjustor=throttling.CubicCalculator(starting_max_rate=0, start_time=now),
            rate_clocker=adaptive.RateClocker(self),
            token_bucket=self._bucket,
            throttling_detector=self,
            clock=self,
        )

    def current_time(self) -> float:
        return self._now

    def is_throttling_error(self, *, throttled: bool) -> bool:
        return throttled

    def place(self) -> int:
        return 0  # it has no queue

    def leave(self, place: int) -> None:
        pass

    def wait(self, _: int, now: float) -> float:
        self._now = now
        if not self._limiter._enabled:
            return 0.0
        try:
            self._bucket.acquire(block=False)
        except CapacityNotAvailableError:
            return float(self._bucket._sleep_amount(1))
        return 0.0

    def record(self, now: float, *, throttled: bool) -> None:
        self._now = now
        self._limiter.on_receiving_response(throttled=throttled)


@dataclass
class Service:
    """Allows `rate` requests a second, and after a pause `burst` at once: a token bucket, as AWS has it."""

    rate: float
    burst: float
    _tokens: float = field(init=False)
    _filled_at: float = START

    def __post_init__(self) -> None:
        self._tokens = self.burst

    def allows(self, now: float) -> bool:
        self._tokens = min(self.burst, self._tokens + (now - self._filled_at) * self.rate)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


@dataclass
class Simulation:
    """So many processes of so many workers, each of which lists one page after another.

    `limiter` makes the rate limiter of a process, from the time; None stands for the library's own.
    With `throttling_timeout`, the calls are those of `list_for_functions()`.
    `limits` are the service's rates from a second on, where they change. Of each second, `allowed` and
    `throttled` say how many requests were answered so. `slept` is how often a worker was told to sleep, and
    `took` how long each call took that has ended.
    """

    service: Service
    seed: int = 0
    processes: int = 1
    workers: int = 32
    latency: tuple[float, float] = (0.02, 0.08)  # seconds, from ... to
    limiter: Callable[[float], Limiter] | None = None
    throttling_timeout: float | None = None
    limits: dict[int, float] = field(default_factory=dict)
    allowed: list[int] = field(init=False)
    throttled: list[int] = field(init=False)
    errors: int = field(default=0, init=False)
    slept: int = field(default=0, init=False)
    took: list[float] = field(default_factory=list, init=False)

    def run(self, seconds: int) -> Simulation:
        self.allowed, self.throttled = [0] * seconds, [0] * seconds
        self._chance = random.Random(self.seed)
        self._now = START
        self._order = itertools.count()
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        for second, rate in self.limits.items():
            self._after(second, functools.partial(setattr, self.service, "rate", rate))
        for _ in range(self.processes):
            caller = self._caller()
            for _ in range(self.workers):
                self._after(0, functools.partial(self._call, caller))
        while self._queue[0][0] < START + seconds:
            self._now, _, happen = heapq.heappop(self._queue)
            happen()
        return self

    def used(self, start: int, end: int | None = None) -> float:
        """What was allowed in these seconds, as a share of what the service would have allowed."""
        seconds = self.allowed[start:end]
        return sum(seconds) / len(seconds) / self.service.rate

    def refused(self, start: int, end: int | None = None) -> float:
        """What was throttled in these seconds, as a share of what was sent."""
        throttled = sum(self.throttled[start:end])
        return throttled / (throttled + sum(self.allowed[start:end]))

    def _caller(self) -> CallFlow:
        config = Config(retries={"mode": "adaptive"}, signature_version=UNSIGNED)
        settings = resolve(region_name="us-east-1", config=config, environ={})
        caller = CallFlow(
            settings, clock=lambda: self._now, monotonic=lambda: self._now, random=self._chance.random
        )
        if self.limiter:
            caller._limiter = self.limiter(self._now)  # type: ignore[assignment]
        return caller

    def _after(self, seconds: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (self._now + seconds, next(self._order), happen))

    def _call(self, caller: CallFlow) -> None:
        steps = caller.attempts({"FunctionName": "f"}, throttling_timeout=self.throttling_timeout)
        self._go_on(caller, self._now, steps, None)

    def _go_on(
        self, caller: CallFlow, began_at: float, steps: Generator[Any, Any, Any], outcome: Response | None
    ) -> None:
        try:
            step = steps.send(outcome)
        except (StopIteration, ClientError) as end:
            self.errors += isinstance(end, ClientError)
            self.took.append(self._now - began_at)
            self._after(INSTANT, functools.partial(self._call, caller))
            return
        go_on = functools.partial(self._go_on, caller, began_at, steps)
        if isinstance(step, ReserveConnection):
            go_on(None)
        elif isinstance(step, Sleep):
            self.slept += 1
            self._after(step.seconds + INSTANT, functools.partial(go_on, None))
        else:
            assert isinstance(step, Send)
            self._after(self._way(), functools.partial(self._arrive, go_on))

    def _arrive(self, go_on: Callable[[Response], None]) -> None:
        allowed = self.service.allows(self._now)
        (self.allowed if allowed else self.throttled)[int(self._now - START)] += 1
        self._after(self._way(), functools.partial(go_on, PAGE if allowed else THROTTLED))

    def _way(self) -> float:
        """Half the latency."""
        return self._chance.uniform(*self.latency) / 2
