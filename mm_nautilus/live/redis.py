"""The engine's cache in Redis: orders, positions and accounts of a node, kept beyond its life.

The engine does this for clients of its own alone, and only where it drives itself (`Session.run_alone`).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from nautilus_trader.common import CacheConfig, SerializationEncoding
from nautilus_trader.infrastructure import RedisCacheConfig
from nautilus_trader.live import LiveNodeBuilder

from mm_nautilus.errors import UserError
from mm_nautilus.live_settings.table import RedisSettings

_TIMEOUT_S = 5
_BUFFER_MS = 20
"""How long what changed may wait until it is written: this much a kill may lose, and the venue says it again."""


def with_redis(
    builder: LiveNodeBuilder, settings: RedisSettings, environment: Mapping[str, str] = os.environ
) -> LiveNodeBuilder:
    """Return a builder of nodes whose cache is kept in Redis.

    A strategy's own state is kept in its file and not there: of a kill Redis would have the state of the last clean
    stop.

    Raises
    ------
    UserError
        For a variable that is missing or is no such address; what it holds is not repeated.

    """
    cache = CacheConfig(encoding=SerializationEncoding.MSG_PACK, buffer_interval_ms=_BUFFER_MS)
    database = cache_database(settings, environment)
    host, port = database.host or "127.0.0.1", database.port or 6379
    try:  # the engine would try for minutes
        socket.create_connection((host, port), _TIMEOUT_S).close()
    except OSError as error:
        raise UserError(f"live.redis: there is no Redis at {host}:{port}: {error.strerror or error}") from None
    return builder.with_cache_config(cache).with_cache_database_factory(database)


def cache_database(settings: RedisSettings, environment: Mapping[str, str] = os.environ) -> RedisCacheConfig:
    """Return the engine's settings of the connection; raises as `with_redis`."""
    if settings.url_env is None:
        return RedisCacheConfig(host=settings.host, port=settings.port, connection_timeout=_TIMEOUT_S)
    text = environment.get(settings.url_env, "").strip()
    if not text:
        raise UserError(f"live.redis.url_env: environment variable {settings.url_env} is not set")
    try:
        url = urlsplit(text)
        host, port = url.hostname, url.port or 6379
    except ValueError:
        host, port = None, 0
    if host is None or url.scheme not in {"redis", "rediss"}:
        raise UserError(f"live.redis.url_env: {settings.url_env} is not redis[s]://user:password@host:port")
    return RedisCacheConfig(
        host=host,
        port=port,
        username=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
        ssl=url.scheme == "rediss",
        connection_timeout=_TIMEOUT_S,
    )
