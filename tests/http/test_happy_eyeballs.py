"""Happy Eyeballs (RFC 8305) in virtual time."""

import errno
import math
from collections.abc import Mapping

import pytest
import trio
from trio.testing import MockClock, memory_stream_pair

from trioscrape._errors import FeedFailed
from trioscrape._http.happy_eyeballs import ConnectorBug, connect_fastest, open_tcp


class Scenario:
    """What happens at each address: seconds until it accepts, or until it raises an error."""

    def __init__(self, addresses: Mapping[str, float | tuple[float, int]]) -> None:
        self.addresses = addresses
        self.attempts: dict[str, float] = {}
        self.made: list[trio.abc.Stream] = []
        self.closed: list[trio.abc.Stream] = []

    async def connector(self, address: str, port: int) -> trio.abc.Stream:
        assert port == 80
        self.attempts[address] = trio.current_time()
        behaviour = self.addresses[address]
        seconds, number = behaviour if isinstance(behaviour, tuple) else (behaviour, 0)
        await trio.sleep(seconds)
        if number:
            raise OSError(number, errno.errorcode[number])
        stream, _ = memory_stream_pair()
        self.made.append(stream)
        stream.send_stream.close_hook = lambda: self.closed.append(stream)
        return stream

    async def connect(self) -> str:
        address, stream = await connect_fastest(list(self.addresses), 80, self.connector)
        losers = [made for made in self.made if made is not stream]
        assert self.closed == losers, "every loser is closed, the winner is not"
        return address


async def at(scenario: Scenario) -> tuple[str, float]:
    began = trio.current_time()
    address = await scenario.connect()
    return address, trio.current_time() - began


async def test_one_address(autojump_clock: MockClock) -> None:
    assert await at(Scenario({"192.0.2.1": 0.1})) == ("192.0.2.1", 0.1)


async def test_a_black_hole_costs_a_quarter_second(autojump_clock: MockClock) -> None:
    scenario = Scenario({"2001:db8::1": math.inf, "2001:db8::2": math.inf, "192.0.2.1": 0.1})

    assert await at(scenario) == ("192.0.2.1", 0.35)
    assert "2001:db8::2" not in scenario.attempts, "the other family comes second"


async def test_a_refusal_costs_nothing(autojump_clock: MockClock) -> None:
    scenario = Scenario({"2001:db8::1": (0.01, errno.ECONNREFUSED), "192.0.2.1": 0.1})

    assert await at(scenario) == ("192.0.2.1", 0.11)


async def test_the_slow_first_one_may_still_win(autojump_clock: MockClock) -> None:
    assert await at(Scenario({"2001:db8::1": 0.3, "192.0.2.1": 0.3})) == ("2001:db8::1", 0.3)


async def test_strangers_do_not_choose_how_many_sockets(autojump_clock: MockClock) -> None:
    scenario = Scenario({f"192.0.2.{n}": math.inf for n in range(100)})
    with trio.move_on_after(60):
        await scenario.connect()

    assert len(scenario.attempts) == 6


async def test_a_tie_closes_the_loser(autojump_clock: MockClock) -> None:
    scenario = Scenario({"2001:db8::1": 0.5, "192.0.2.1": 0.25})

    await scenario.connect()


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        ([errno.ECONNREFUSED], "connection-refused"),
        ([errno.ENETUNREACH, errno.ECONNREFUSED], "connection-refused"),
        ([errno.ENETUNREACH, errno.EHOSTUNREACH], "unreachable"),
        ([errno.ETIMEDOUT, errno.ENETUNREACH], "connect-timeout"),
        ([errno.ECONNRESET], "connection-lost"),
    ],
)
async def test_reasons(autojump_clock: MockClock, numbers: list[int], reason: str) -> None:
    scenario = Scenario({f"192.0.2.{n}": (0, number) for n, number in enumerate(numbers)})

    with pytest.raises(FeedFailed) as caught:
        await scenario.connect()

    assert caught.value.reason == reason


@pytest.mark.parametrize("moment", [0.1, 0.2, 0.25, 0.29, 0.5])
async def test_cancelled_at_any_moment_leaves_nothing_open(autojump_clock: MockClock, moment: float) -> None:
    scenario = Scenario({"2001:db8::1": 0.3, "192.0.2.1": 0.2, "192.0.2.2": 0.25})

    with trio.move_on_after(moment) as scope:
        await scenario.connect()

    won = 0 if scope.cancelled_caught else 1
    assert len(scenario.made) - len(scenario.closed) == won


async def test_cancelled_when_several_have_won_in_one_tick(autojump_clock: MockClock) -> None:
    scenario = Scenario({"2001:db8::1": 0.5, "192.0.2.1": 0.25})

    with trio.CancelScope(deadline=trio.current_time() + 0.5):
        await scenario.connect()
        scenario.closed += [made for made in scenario.made if made not in scenario.closed]

    assert sorted(map(id, scenario.closed)) == sorted(map(id, scenario.made))


@pytest.mark.parametrize("bug", [ValueError, ZeroDivisionError])
async def test_a_bug_ends_it_and_leaves_nothing_open(autojump_clock: MockClock, bug: type[Exception]) -> None:
    """Also beside an address that answers in the same moment."""
    moment = trio.Event()

    class Buggy(Scenario):
        async def connector(self, address: str, port: int) -> trio.abc.Stream:
            if address == "192.0.2.3":
                moment.set()
            stream = await super().connector(address, port)
            await moment.wait()
            if address == "192.0.2.1":
                self.made.remove(stream)
                raise bug
            return stream

    scenario = Buggy({"192.0.2.1": 0, "192.0.2.2": 0, "192.0.2.3": math.inf})

    with pytest.raises(ConnectorBug) as caught:
        await scenario.connect()

    assert type(caught.value.error) is bug
    assert sorted(map(id, scenario.closed)) == sorted(map(id, scenario.made))


async def test_what_failed_is_said_by_address() -> None:
    """Addresses that fail alike are named together."""

    async def connector(address: str, port: int) -> trio.abc.Stream:
        if address == "192.0.2.3":
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")

    with pytest.raises(FeedFailed) as caught:
        await connect_fastest(["192.0.2.1", "192.0.2.2", "192.0.2.3"], 80, connector)

    assert (
        caught.value.detail == "Connection refused (192.0.2.1, 192.0.2.2); Network is unreachable (192.0.2.3)"
    )


async def test_a_port_that_is_closed() -> None:
    with pytest.raises(ConnectionRefusedError, match=r"^\[Errno \d+\] Connection refused$"):
        await open_tcp("127.0.0.1", 1)
