"""A nursery's error comes out as itself."""

import gc

import pytest
import trio

from trioscrape._exception_groups import ungrouped


async def fail(error: BaseException) -> None:
    raise error


async def fail_by_itself() -> None:
    raise ZeroDivisionError


async def test_of_a_task() -> None:
    error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError) as caught, ungrouped():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fail, error)
            await trio.sleep_forever()

    assert caught.value is error
    assert caught.value.__context__ is None


async def test_of_the_body() -> None:
    error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError) as caught, ungrouped():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            raise error

    assert caught.value is error


async def test_its_own_cause_and_context_stay() -> None:
    with pytest.raises(ZeroDivisionError) as caught, ungrouped():
        async with trio.open_nursery():
            try:
                await fail(KeyError())
            except KeyError as key:
                raise ZeroDivisionError from key

    assert isinstance(caught.value.__cause__, KeyError)
    assert isinstance(caught.value.__context__, KeyError)


async def test_several_stay_together() -> None:
    with pytest.RaisesGroup(ZeroDivisionError, KeyError), ungrouped():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fail, ZeroDivisionError())
            nursery.start_soon(fail, KeyError())


async def test_a_group_of_the_body_is_an_error_like_any_other() -> None:
    with pytest.RaisesGroup(ZeroDivisionError, match="mine"), ungrouped():
        async with trio.open_nursery():
            raise ExceptionGroup("mine", [ZeroDivisionError()])


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
async def test_what_ends_the_program_comes_out_alone(error: type[BaseException]) -> None:
    with pytest.raises(error), ungrouped():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fail, ZeroDivisionError())
            nursery.start_soon(fail, error())


async def test_cancelled_from_outside() -> None:
    async def work() -> None:
        with ungrouped():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.sleep_forever)
                nursery.start_soon(trio.sleep_forever)
                with pytest.raises(trio.Cancelled):
                    await trio.sleep_forever()

    with trio.CancelScope() as scope:
        scope.cancel()
        with pytest.raises(trio.Cancelled):
            await work()
    assert not scope.cancelled_caught, "the error was caught here"


async def test_an_error_beside_a_cancellation() -> None:
    async def fail_when_cancelled() -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise ZeroDivisionError

    with trio.CancelScope() as scope, pytest.raises(ZeroDivisionError), ungrouped():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fail_when_cancelled)
            nursery.start_soon(trio.sleep_forever)
            await trio.testing.wait_all_tasks_blocked()
            scope.cancel()


async def test_no_garbage_is_left() -> None:
    """A frame that refers to the exception that went through it would keep all that the frame refers to."""
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        try:
            with ungrouped():
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(fail_by_itself)
        except ZeroDivisionError:
            pass
        gc.collect()
        assert not [each for each in gc.garbage if isinstance(each, BaseException)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
