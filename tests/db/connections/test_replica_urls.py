"""The addresses of replicas: written out, or the hosts of the cluster's address."""

import pytest

from db.connections.dsn import DsnError, parse_dsn
from db.connections.replica_urls import parse_replica_urls

CLUSTER = "postgresql://app:secret@one,two:5433,[::1]/books?target_session_attrs=primary&sslmode=require"


def test_addresses_are_separated_by_spaces() -> None:
    urls = parse_replica_urls("  postgresql://one/x\n postgresql://two/x ", CLUSTER)

    assert urls == ("postgresql://one/x", "postgresql://two/x")
    assert parse_replica_urls("", CLUSTER) == ()


@pytest.mark.parametrize("cluster", [CLUSTER, "postgresql://app@/books?host=/run/a,/run/b&port=1,2"])
def test_the_hosts_of_a_cluster_are_addresses_that_demand_no_role(cluster: str) -> None:
    address = parse_dsn(cluster, {})

    replicas = [parse_dsn(url, {}) for url in parse_replica_urls("hosts", cluster)]

    assert [(each.hosts, each.ports) for each in replicas] == [
        ((host,), (port,)) for host, port in zip(address.hosts, address.ports, strict=True)
    ]
    for each in replicas:
        assert (each.user, each.password, each.database) == (address.user, address.password, address.database)
        assert (each.target_session_attrs, each.driver_parameters) == ("any", address.driver_parameters)


@pytest.mark.parametrize("text", ["postgresql://one,two/x", "nowhere", "postgresql://one/x hosts"])
def test_an_address_that_is_not_one_server_is_refused(text: str) -> None:
    with pytest.raises(DsnError):
        parse_replica_urls(text, CLUSTER)


def test_a_cluster_without_hosts_has_no_list() -> None:
    with pytest.raises(DsnError, match="`hosts` needs an address"):
        parse_replica_urls("hosts", "postgresql:///books")
