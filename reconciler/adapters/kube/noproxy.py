"""Which servers are reached without a proxy: `NO_PROXY` as Go programs, and so kubectl, read it.

Entries are separated by commas: an address, a range of addresses (CIDR), a name (with all names below it), `.name`
(only those below it), each with a port or without, or `*` for everything. Loopback never goes through a proxy.
"""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def bypasses(host: str, port: int, no_proxy: str) -> bool:
    """Whether a server is reached directly."""
    host = host.lower().rstrip(".")
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    return any(_matches(entry.strip().lower(), host, port, address) for entry in no_proxy.split(",") if entry.strip())


def _matches(entry: str, host: str, port: int, address: Address | None) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        try:
            return address is not None and address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    name, at = _split(entry)
    if at and at != str(port):
        return False
    if (given := _address(name)) is not None:
        return given == address
    name = name.removeprefix("*")
    if address is not None:
        return False
    return host.endswith(name) if name.startswith(".") else host == name or host.endswith(f".{name}")


def _split(entry: str) -> tuple[str, str]:
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        return name, rest.removeprefix(":")
    name, colon, port = entry.rpartition(":")
    return (name, port) if colon and port.isdigit() and ":" not in name else (entry, "")


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
