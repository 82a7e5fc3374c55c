"""Deliveries leave in the order of their time, whatever was held, overtaken or tried again."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from factory_tui.universe import Reply, Subscription
from factory_tui.universe.event_faults import EventFault
from factory_tui.universe.outbox import Event, Outbox, Retries

START = datetime(2026, 3, 2, 9, tzinfo=UTC)

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from(["", "delay", "reorder"]), st.integers(0, 1)),
        st.tuples(st.just("take"), st.sampled_from(["delivered", "retry"]), st.just(0)),
        st.tuples(st.just("wait"), st.just(""), st.integers(1, 400)),
        st.tuples(st.just("fork"), st.just(""), st.just(0)),
    ),
    max_size=60,
)


@given(STEPS)
def test_what_leaves_next_is_the_first_of_what_is_pending(
    steps: list[tuple[str, str, int]],
) -> None:
    box, now = Outbox(), START
    for n, (what, how, number) in enumerate(steps):
        if what == "put":
            fault = {
                "": None,
                "delay": EventFault("t", delay=number * 30.0 + 1),
                "reorder": EventFault("t", reorder=True),
            }[how]
            target = Subscription(f"s{number}", "u", retries=Retries((1.0, 60.0, 300.0)))
            box.put("t", Event(f"e{n}", "k", {}, now), target, fault)
        elif what == "wait":
            now += timedelta(seconds=number)
        elif what == "fork":
            box = box.fork()
        else:
            first = next(iter(box.pending), None)
            taken = box.take(now)
            assert taken == (first if first is not None and first.due <= now else None)
            if taken is not None:
                box.settle(taken, Reply(500), "retry" if how == "retry" else "delivered", now)
        dues = [delivery.due for delivery in box.pending]
        assert box.next_due() == min(dues, default=None)
        assert box.next_due(after=now) == min((due for due in dues if due > now), default=None)
