"""The strongest peer: PostGIS on layers cut by ST_Subdivide, GiST, nearest by KNN, one or two backends.

A private cluster in a temporary folder, reached through a unix socket (127.0.0.1 where there is none) and
ended by its own process. What is timed runs in the server and stays there; loading the sites and fetching
the answers is not timed, which favours PostGIS.
"""

from __future__ import annotations

import copy
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from benchmarks.engine.answers import Answers, columns
from benchmarks.engine.data import Geometries

MOST = 128
SETTINGS = {
    "shared_buffers": "512MB", "work_mem": "128MB", "maintenance_work_mem": "512MB", "effective_cache_size": "4GB",
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "4GB", "jit": "off",
    "max_parallel_workers_per_gather": "0", "random_page_cost": "1.1", "autovacuum": "off",
}  # fmt: skip


def _program(name: str) -> str:
    beside = shutil.which("pg_config")
    folder = subprocess.run([beside, "--bindir"], capture_output=True, text=True, check=True).stdout if beside else ""
    found = shutil.which(name, path=folder.strip() or None) or shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} 没有安装（Debian：postgresql-15-postgis-3）")
    return found


class Cluster:
    """A server of our own. PostgreSQL refuses to run as root: then it runs as the user postgres."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self._as: dict[str, Any] = {}
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            shutil.chown(self._folder, "postgres", "postgres")
            self._as = {"user": "postgres", "group": "postgres", "extra_groups": []}
        data = self._folder / "data"
        initdb = [_program("initdb"), "-D", str(data), "-U", "bench", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"]
        subprocess.run(initdb, check=True, capture_output=True, cwd=self._folder, **self._as)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        sockets = hasattr(socket, "AF_UNIX")
        where = ["-k", str(self._folder), "-h", ""] if sockets else ["-h", "127.0.0.1"]
        options = [word for key, value in SETTINGS.items() for word in ("-c", f"{key}={value}")]
        with (self._folder / "log").open("wb") as log:
            self._server = subprocess.Popen(
                [_program("postgres"), "-D", str(data), "-p", str(port), *where, *options],
                stdout=log, stderr=log, cwd=self._folder, **self._as,
            )  # fmt: skip
        host = self._folder if sockets else "127.0.0.1"
        self.dsn = f"host={host} port={port} user=bench dbname=postgres"

    def connect(self) -> Any:
        """Return a connection; waits until the server is up."""
        import psycopg

        last: Exception | None = None
        for _ in range(100):
            try:
                return psycopg.connect(self.dsn, autocommit=True)
            except psycopg.OperationalError as error:
                last = error
                time.sleep(0.1)
        raise RuntimeError(f"PostgreSQL 没有启动：{(self._folder / 'log').read_text()[-500:]}") from last

    def close(self) -> None:
        """End the server (fast shutdown) and remove its folder."""
        self._server.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
        self._server.wait(timeout=60)
        shutil.rmtree(self._folder, ignore_errors=True)


# The area of a pair is summed over pieces; a piece that covers the site, or lies in it, needs no intersection.
_HITS = """
SELECT s.id, z.zone, sum(ST_Area(ST_Intersection(s.geom, z.geom))) AS area
FROM {sites} s JOIN sub_{layer} z ON ST_Intersects(s.geom, z.geom) WHERE {where} GROUP BY 1, 2
"""
_NEAREST = """
SELECT s.id, n.d FROM {sites} s CROSS JOIN LATERAL
  (SELECT s.geom <-> z.geom AS d FROM sub_{layer} z ORDER BY s.geom <-> z.geom LIMIT 1) n
WHERE {where} AND NOT EXISTS (SELECT 1 FROM hits_{part}_{layer} h WHERE h.id = s.id)
"""
# The fastest of five ways tried: a common table expression costs 13 times as much.
_FUNCTION = """
CREATE OR REPLACE FUNCTION one_site(g geometry)
RETURNS TABLE (layer text, found int, area float8, metres float8) LANGUAGE plpgsql AS $$ BEGIN {body} END $$
"""
_ONE = """
RETURN QUERY SELECT '{layer}'::text, z.zone, sum(ST_Area(ST_Intersection(g, z.geom))), 0::float8
  FROM sub_{layer} z WHERE ST_Intersects(g, z.geom) GROUP BY z.zone;
IF NOT FOUND THEN
  RETURN QUERY SELECT '{layer}'::text, z.zone, NULL::float8, g <-> z.geom FROM sub_{layer} z ORDER BY g <-> z.geom LIMIT 1;
END IF;
"""


class PostGIS:
    """ST_Subdivide(128) + GiST + KNN in a cluster of our own; `backends` connections share a batch."""

    whole = True

    def __init__(self, backends: int) -> None:
        self.cluster = Cluster()
        self._backends = backends
        self._connections = [self._open() for _ in range(backends)]
        self._layers: tuple[str, ...] = ()
        self._loaded = 0
        query = "SELECT current_setting('server_version'), postgis_lib_version(), postgis_geos_version()"
        server, lib, geos = self._connections[0].execute(query).fetchone()
        self.version = f"PostgreSQL {server.split()[0]}, PostGIS {lib}, GEOS {geos}"
        self.name = f"PostGIS + ST_Subdivide({MOST}) + GiST + KNN，{backends} 个后端"

    def with_backends(self, backends: int) -> PostGIS:
        """Return the same database with fewer of its connections; closing is left to the first."""
        fewer = copy.copy(self)
        fewer._backends, fewer._connections = backends, self._connections[:backends]
        fewer.name = f"PostGIS + ST_Subdivide({MOST}) + GiST + KNN，{backends} 个后端"
        return fewer

    def _open(self) -> Any:
        connection = self.cluster.connect()
        connection.execute("SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS postgis")
        return connection

    def _copy(self, table: str, rows: Geometries) -> None:
        first = self._connections[0]
        first.execute(f"DROP TABLE IF EXISTS {table}; CREATE UNLOGGED TABLE {table} (id int, geom geometry)")
        with first.cursor().copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int4", "bytea"])  # the server reads a geometry from WKB bytes
            for n, wkb in enumerate(shapely.to_wkb(rows)):
                copy.write_row((n, wkb))

    def prepare(self, layers: dict[str, Geometries]) -> None:
        """Load the layers and subdivide them."""
        for layer, zones in layers.items():
            self._copy(f"raw_{layer}", zones)
            self.subdivide(layer)
        self._layers = tuple(layers)
        body = "".join(_ONE.format(layer=layer) for layer in layers)
        self._connections[0].execute(_FUNCTION.format(body=body))

    def subdivide(self, layer: str) -> float:
        """Cut one layer that is in the database already and index it; return the seconds it took."""
        first = self._connections[0]
        first.execute(f"DROP TABLE IF EXISTS sub_{layer}")
        start = time.perf_counter()
        first.execute(
            f"CREATE UNLOGGED TABLE sub_{layer} AS SELECT id AS zone, ST_Subdivide(geom, {MOST}) AS geom FROM raw_{layer}"
        )
        first.execute(f"CREATE INDEX ON sub_{layer} USING gist (geom)")
        first.execute(f"ANALYZE sub_{layer}")
        return time.perf_counter() - start

    def load(self, sites: Geometries) -> int:
        """Copy the sites into a table with an index."""
        self._copy("sites", sites)
        self._connections[0].execute("CREATE INDEX ON sites USING gist (geom); CREATE INDEX ON sites (id); ANALYZE sites")
        self._loaded = len(sites)
        for part, connection in enumerate(self._connections):
            for layer in self._layers:
                for kind in ("hits", "near"):
                    connection.execute(f"DROP TABLE IF EXISTS {kind}_{part}_{layer}")
        return len(sites)

    def batch(self, sites: object) -> int:
        """Hits and areas, then the nearest of what was missed, in one part of the sites per backend."""
        rows = np.linspace(0, self._loaded, self._backends + 1).astype(int).tolist()
        with ThreadPoolExecutor(self._backends) as pool:
            list(pool.map(self._part, range(self._backends), rows[:-1], rows[1:]))
        return self._loaded

    def _part(self, part: int, first: int, last: int) -> None:
        connection = self._connections[part]
        where = f"s.id >= {first} AND s.id < {last}"
        for layer in self._layers:
            for kind, query in (("hits", _HITS), ("near", _NEAREST)):
                text = query.format(sites="sites", layer=layer, where=where, part=part)
                connection.execute(f"DROP TABLE IF EXISTS {kind}_{part}_{layer}")
                connection.execute(f"CREATE UNLOGGED TABLE {kind}_{part}_{layer} AS {text}")
                if kind == "hits":
                    connection.execute(f"ANALYZE hits_{part}_{layer}")

    def answers(self, made: object) -> Answers:
        """Fetch the tables the last batch made."""
        first = self._connections[0]
        found: Answers = {}
        for layer in self._layers:
            hits: list[tuple[int, int, float]] = []
            distance = np.zeros(self._loaded)
            for part in range(self._backends):
                hits += first.execute(f"SELECT id, zone, area FROM hits_{part}_{layer}").fetchall()
                for row, metres in first.execute(f"SELECT id, d FROM near_{part}_{layer}"):
                    distance[row] = metres
            site, zone, area = zip(*hits, strict=True) if hits else ((), (), ())
            found[layer] = columns(site, zone, area, distance)
        return found

    def check(self, site: shapely.Polygon) -> None:
        """One call of a function that asks layer by layer, nearest only for what was missed."""
        statement = "SELECT * FROM one_site(ST_GeomFromWKB(%b))"
        self._connections[0].execute(statement, (shapely.to_wkb(site),), prepare=True).fetchall()

    def close(self) -> None:
        """Close the connections and the server."""
        for connection in self._connections:
            connection.close()
        self.cluster.close()
