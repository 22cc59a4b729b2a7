"""A client of a service that the test looks into."""

import pytest

from iwf_py.authoring.registry import Registry
from iwf_py.client.client import Client
from iwf_py.codec.payloads import JsonConverter
from tests.client.doubles import Child, Entity, Service, Signup


@pytest.fixture
def service():
    return Service()


@pytest.fixture
def registry():
    return Registry(Signup, Entity, Child)


@pytest.fixture
def client(service, registry):
    return Client(registry, service, JsonConverter(), namespace="shop")
