"""How hypothesis makes the words of the model."""

from datetime import UTC, timedelta

from hypothesis import strategies as st

from iwf_py.model.commands import TimerCommand
from iwf_py.model.durations import MAX_DURATION
from iwf_py.model.options import CallOptions, RetryPolicy, StateOptions, WorkflowRetryPolicy
from iwf_py.model.payload import SearchAttribute
from iwf_py.model.status import SearchAttributeValueType

short_text = st.text(max_size=8)
instants = st.datetimes(timezones=st.just(UTC))
spans = st.timedeltas(min_value=timedelta(0), max_value=MAX_DURATION)
counts = st.none() | st.integers(min_value=0, max_value=2**31)

retries = {
    "initial_interval_seconds": st.none() | st.floats(min_value=0, max_value=1),
    "backoff_coefficient": st.none() | st.floats(min_value=1, max_value=10),
    "maximum_interval_seconds": st.none() | st.floats(min_value=1, max_value=1e6),
    "maximum_attempts": counts,
}
retry_policies = st.builds(
    RetryPolicy, **retries, maximum_attempts_duration_seconds=st.none() | st.floats(min_value=0, max_value=1e6)
)
call_options = st.builds(CallOptions, timeout=spans, retry=retry_policies)
state_options = st.recursive(
    st.builds(StateOptions, skip_wait_until=st.booleans(), wait_until=call_options, execute=call_options),
    lambda inner: st.builds(
        StateOptions, execute=call_options, failure_state_id=short_text, failure_state_options=st.none() | inner
    ),
    max_leaves=2,
)

st.register_type_strategy(str, short_text)
st.register_type_strategy(float, st.floats(allow_nan=False))
st.register_type_strategy(timedelta, st.timedeltas())
for policy, strategy in (
    (RetryPolicy, retry_policies),
    (WorkflowRetryPolicy, st.builds(WorkflowRetryPolicy, **retries)),
    (StateOptions, state_options),
    (TimerCommand, st.builds(TimerCommand, duration=st.none() | st.timedeltas())),
    (
        SearchAttribute,
        st.builds(
            SearchAttribute,
            key=short_text,
            string_value=st.none() | short_text,
            integer_value=st.none() | st.integers(min_value=-(2**63), max_value=2**63 - 1),
            double_value=st.none() | st.floats(allow_nan=False),
            bool_value=st.none() | st.booleans(),
            string_array_value=st.none() | st.lists(short_text, max_size=3).map(tuple),
            value_type=st.none() | st.sampled_from(SearchAttributeValueType),
        ),
    ),
):
    st.register_type_strategy(policy, strategy)
