"""What the tests of this room share: a converter, and handlers' companions made by hand."""

import pytest

from iwf_py import Communication, Persistence, Registry
from iwf_py.codec.payloads import JsonConverter


@pytest.fixture
def converter():
    return JsonConverter()


@pytest.fixture
def persistence(converter):
    """
    Make a Persistence over plain values.
    """

    def make(workflow, attributes=None, **sealed):
        definition = Registry(workflow).definition(type(workflow))
        loaded = {key: converter.encode(value) for key, value in (attributes or {}).items()}
        return Persistence(definition, converter, attributes=loaded, **sealed)

    return make


@pytest.fixture
def communication(converter):
    """
    Make a Communication.
    """

    def make(workflow, **fields):
        return Communication(Registry(workflow).definition(type(workflow)), converter, **fields)

    return make
