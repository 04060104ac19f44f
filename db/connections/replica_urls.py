"""The addresses of replicas: written out, or the hosts of a cluster's address."""

from urllib.parse import quote

from db.connections.dsn import DsnError, parse_dsn

ALL_HOSTS = "hosts"


def parse_replica_urls(text: str, cluster_url: str) -> tuple[str, ...]:
    """Return the addresses in a text that spaces separate; for `hosts`, one for each host of the cluster's.

    Raises DsnError if one cannot be used, or names several hosts: a replica is one server.
    """
    if text.strip() == ALL_HOSTS:
        return _addresses_of_hosts(cluster_url)
    urls = tuple(text.split())
    for url in urls:
        if len(parse_dsn(url).hosts) > 1:
            raise DsnError("the address of a replica names several hosts; write an address for each")
    return urls


def _addresses_of_hosts(url: str) -> tuple[str, ...]:
    address = parse_dsn(url)
    if not address.hosts:
        raise DsnError(f"`{ALL_HOSTS}` needs an address of the database that names its hosts")
    separator = "&" if "?" in url else "?"
    return tuple(
        f"{url}{separator}host={quote(host, safe='')}&port={port}&target_session_attrs=any"
        for host, port in zip(address.hosts, address.ports, strict=True)
    )
