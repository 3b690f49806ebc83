"""Files to blocks of features: large GIS files as a stream, everything else through intake."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from linxi_gis import geoparquet
from linxi_gis.batch.chunks import Chunk, Keys, chosen, of_batches
from linxi_gis.batch.placing import ruling, unstated
from linxi_gis.batch.raw import Raw, Settled
from linxi_gis.batch.watch import REMEDY, Stamp, check, read_whole, stamped, watched
from linxi_gis.errors import CrsError, InputError
from linxi_gis.intake import encoding
from linxi_gis.intake.containers import claim_of
from linxi_gis.intake.disk import beside
from linxi_gis.intake.geojson import ID_KEYS, NAME_KEYS
from linxi_gis.intake.guard import Reader
from linxi_gis.intake.reading import Claim, Draft, Drawn, Options, Reading
from linxi_gis.intake.rulings import rule
from linxi_gis.intake.shapefile import PARTS, Bundle, examined

Told = Callable[[str], None]
STREAMED = (*geoparquet.SUFFIXES, ".gpkg", ".fgb", ".shp")
# Features asked about when the file is opened: enough to know whether its figures fit its system.
_PROBED = 200
_ASK = "请核实后用 --crs 指明，或请提供单位补上坐标系说明"


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A file, or a layer of one, opened: how many features it says it has, what it was then, its system.

    `chunks` takes a number of rows and yields its features in chunks of so many, the last one fewer; `in_memory`
    tells that they are there already, and the file may do what it likes.
    """

    name: str
    count: int
    stamp: Stamp
    claim: Claim
    chunks: Callable[[int], Iterator[Chunk]]
    in_memory: bool = False

    @property
    def sha256(self) -> str:
        """What its file hashed to when it was opened."""
        return self.stamp.sha256

    def raws(self, size: int, first_number: int) -> Iterator[Raw]:
        """Yield blocks of `size` features, numbered from `first_number`. Raises InputError when the file changes."""
        row = 1
        chunks = self.chunks(size) if self.in_memory else watched(self.chunks(size), self.stamp, self.name)
        for number, chunk in enumerate(chunks, first_number):
            yield Raw(number, self.name, row, chunk.wkb, chunk.ids, chunk.names, self.claim, chunk.settled)
            row += len(chunk.wkb)


def open_sources(path: Path, options: Options, reader: Reader, id_column: str | None, told: Told) -> list[Source]:
    """Open a file: a source for each of its layers with shapes.

    Raises InputError for a file that cannot be read, CrsError (AmbiguousCrsError with its readings) for one
    that does not state its reference system, where --crs does not either: a batch asks before it begins.
    """
    suffix = path.suffix.lower()
    if not path.exists():
        raise InputError("文件不存在", where=str(path), remedy="请检查路径")
    if suffix not in STREAMED or not path.is_file():
        return [_settled_source(path, options, reader, told)]
    stamp = _stamped(path)
    try:
        if suffix in geoparquet.SUFFIXES:
            found = [_parquet(path, stamp, id_column)]
        elif suffix == ".shp":
            shape = _shapefile(path, stamp, id_column, told)
            found = [shape] if shape is not None else [_settled_source(path, options, reader, told)]
        else:
            found = _layers(path, stamp, id_column, told)
    except OSError as error:
        raise InputError(f"文件无法打开（{error}）", where=path.name, remedy=REMEDY) from error
    for one in found:
        _probe(one, options)
    return found


def _stamped(path: Path) -> Stamp:
    """The stamp of a file as GDAL leaves it: it writes into a GeoPackage what its log holds when it opens it."""
    stamp = stamped(path)
    if len(stamp.signature) == 1 or path.suffix.lower() != ".gpkg":
        return stamp
    import pyogrio

    with _gdal(path.name):
        pyogrio.list_layers(path)
    return stamped(path)


def check_files(sources: Sequence[Source]) -> None:
    """Raise InputError where a file that was read bit by bit is not what it was when it was opened."""
    for stamp in dict.fromkeys(source.stamp for source in sources if not source.in_memory):
        check(stamp, content=True)


def _probe(source: Source, options: Options) -> None:
    """Raise what the court asks of a file none of whose first features can be placed."""
    first = next(source.raws(_PROBED, 0), None)
    if first is None:
        raise InputError("没有图形", where=source.name, remedy="请检查导出是否成功")
    if first.settled is not None:
        return
    shapes = shapely.from_wkb(first.wkb, on_invalid="ignore")
    shapes = shapes[~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)]
    boxes = [tuple(box) for box in shapely.bounds(shapes).tolist()]
    said = [ruling((w, s, e, n), first, options) for w, s, e, n in boxes]
    if not said or any(not isinstance(one, str) for one in said):
        return
    drawn = tuple(Drawn(shape, f"第 {row} 个要素") for row, shape in enumerate(shapes, 1))
    rule(Draft(source.name, "", drawn, source.claim, 0), options)  # asks, with candidates, or refuses
    raise CrsError(f"批量筛查只认写明的坐标系：{said[0]}", where=source.name, remedy=_ASK)


# --- anything intake reads ----------------------------------------------------------------------------


def _settled_source(path: Path, options: Options, reader: Reader, told: Told) -> Source:
    """Read a file whole through intake; its limits hold, and its sites are in memory."""
    reading, stamp = read_whole(path, lambda: reader.read(path, options))
    for site in reading.sites:
        if not site.reference.declared:
            guess = unstated(site.reference.source, site.reference.how)
            raise CrsError(f"批量筛查只认写明的坐标系：{guess}", where=path.name, remedy=_ASK)
    for issue in reading.issues:
        if issue.severity != "error":
            told(f"{path.name}：{issue.text}")
    chunk = _chunk_of(reading)

    def chunks(size: int) -> Iterator[Chunk]:
        for start in range(0, len(chunk.wkb), size):
            at = slice(start, start + size)
            yield Chunk(chunk.wkb[at], chunk.ids[at], chunk.names[at], (chunk.settled or ())[at])

    return Source(path.name, len(chunk.wkb), stamp, Claim(), chunks, in_memory=True)


def _chunk_of(reading: Reading) -> Chunk:
    """The sites, then a row without a site for each feature that could not be read."""
    sites = reading.sites
    bad = [issue.text for issue in reading.issues if issue.severity == "error"]
    wkb = np.array([*(shapely.to_wkb(site.ground) for site in sites), *(None for _ in bad)], dtype=object)
    settled = [
        Settled(s.kind, s.area_m2, s.length_m, tuple(dict.fromkeys(issue.code for issue in s.issues))) for s in sites
    ]
    settled += [Settled("", 0.0, 0.0, problem=text) for text in bad]
    nothing = ("",) * len(bad)
    return Chunk(
        wkb, (*(s.id for s in sites), *nothing), (*(s.name for s in sites), *nothing), tuple(settled)
    )


# --- GDAL ---------------------------------------------------------------------------------------------


@contextmanager
def _gdal(where: str, told: Told | None = None) -> Iterator[None]:
    """Turn GDAL's errors into InputErrors and hand on its warnings, each once for a call."""
    from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        except (DataSourceError, DataLayerError, FeatureError, FieldError, GeometryError) as error:
            raise InputError("文件无法打开，可能已损坏或不完整", where=where, remedy=REMEDY) from error
    if told is not None:
        for text in dict.fromkeys(str(item.message)[:200] for item in caught):
            told(f"{where}：读取程序提示 {text}")


def _layers(path: Path, stamp: Stamp, id_column: str | None, told: Told) -> list[Source]:
    """The layers with shapes of a GeoPackage or a FlatGeobuf, whose texts are UTF-8."""
    import pyogrio

    found: list[Source] = []
    with _gdal(path.name, told):
        spatial = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
        for name in spatial:
            info = pyogrio.read_info(path, layer=name, force_feature_count=True)
            where = path.name if len(spatial) == 1 else f"{path.name}/{name}"
            fields = [str(field) for field in info["fields"]]
            keys = Keys(chosen(fields, ID_KEYS, id_column, where), chosen(fields, NAME_KEYS, None, where))
            claim = claim_of(str(info["crs"] or ""), f"图层 {name} 写明")
            stream = _Stream(path, name, keys, where, int(info["features"]))
            found.append(Source(where, stream.count, stamp, claim, stream.chunks))
    if not found:
        raise InputError("没有图形图层", where=path.name, remedy="请提交带图形的图层")
    return found


@dataclass(frozen=True, slots=True)
class _Stream:
    """A layer of UTF-8 texts, read once from front to back."""

    path: Path
    layer: str
    keys: Keys
    where: str
    count: int

    def chunks(self, size: int) -> Iterator[Chunk]:
        try:
            import pyarrow
        except ImportError:
            return _by_number(self.path, self.layer, self.keys, self.where, size, self.count, None)
        return self._arrow(size, pyarrow)

    def _arrow(self, size: int, pyarrow: Any) -> Iterator[Chunk]:
        import pyogrio.raw

        opened = pyogrio.raw.open_arrow(
            self.path, layer=self.layer, columns=self.keys.all, batch_size=size, use_pyarrow=False
        )
        with ExitStack() as stack:
            with _gdal(self.where):
                meta, capsule = stack.enter_context(opened)
                batches = iter(pyarrow.RecordBatchReader.from_stream(capsule))
            name = meta["geometry_name"] or "wkb_geometry"
            yield from of_batches(self._each(batches, pyarrow.ArrowException), name, self.keys, size)

    def _each(self, batches: Iterator[Any], broken: type[Exception]) -> Iterator[Any]:
        while True:
            try:
                with _gdal(self.where):  # not around a yield: warnings are a setting of the whole process
                    batch = next(batches, None)
            except broken as error:
                raise InputError("读到一半出错，文件可能已损坏", where=self.where, remedy=REMEDY) from error
            if batch is None:
                return
            yield batch


_Decode = Callable[[list[object]], list[object]]


def _by_number(
    path: Path, layer: str | None, keys: Keys, where: str, size: int, count: int, decode: _Decode | None
) -> Iterator[Chunk]:
    """Yield chunks by asking for rows from .. to .. each time: fast for shapefiles, fair for others."""
    import pyogrio.raw

    start = 0
    while start < count:
        with _gdal(where):
            meta, _, wkb, fields = pyogrio.raw.read(
                path, layer=layer, columns=keys.all, skip_features=start, max_features=size, datetime_as_string=True,
                encoding=None if decode is None else "ISO-8859-1",
            )  # fmt: skip
        if wkb is None or not len(wkb):
            return
        columns: dict[str, Sequence[object]] = {}
        for key, values in zip(meta["fields"], fields, strict=True):
            held: list[object] = values.tolist()
            columns[str(key)] = held if decode is None else decode(held)
        yield Chunk(wkb, keys.texts(keys.ids, columns, len(wkb)), keys.texts(keys.names, columns, len(wkb)))
        start += size


def _shapefile(path: Path, stamp: Stamp, id_column: str | None, told: Told) -> Source | None:
    """A shapefile read in place, or None for one whose index has to be made anew: intake does that."""
    import pyogrio

    records, claim, stated, issues = examined(Bundle(path.name, beside(path, PARTS)))
    if any(issue.code == "shx_rebuilt" for issue in issues):
        return None
    for issue in issues:
        told(f"{path.name}：{issue.text}")
    with _gdal(path.name, told):
        info = pyogrio.read_info(path, encoding="ISO-8859-1")
    raw = [str(field) for field in info["fields"]]
    decode = _Decoder(path.name, stated)
    fields = dict(zip((str(text) for text in decode(list(raw))), raw, strict=True))
    named = (chosen(list(fields), ID_KEYS, id_column, path.name), chosen(list(fields), NAME_KEYS, None, path.name))
    keys = Keys(*(tuple(fields[key] for key in one) for one in named))
    return Source(
        path.name, records, stamp, claim, lambda size: _by_number(path, None, keys, path.name, size, records, decode)
    )


@dataclass(frozen=True, slots=True)
class _Decoder:
    """Texts that hold one character for each byte, as what the bytes of a block show they are."""

    where: str
    stated: str

    def __call__(self, values: list[object]) -> list[object]:
        samples = [v.encode("latin-1") for v in values if isinstance(v, str) and not v.isascii()]
        if not samples:
            return values
        try:
            codec, _ = encoding.chosen(samples, self.stated, self.where, f"{self.where} 的 .cpg ")
        except InputError:
            codec = "utf-8"
        return [v.encode("latin-1").decode(codec, "replace") if isinstance(v, str) else v for v in values]


# --- GeoParquet ---------------------------------------------------------------------------------------


def _parquet(path: Path, stamp: Stamp, id_column: str | None) -> Source:
    """A GeoParquet file with geometries as WKB (GeoParquet 1.0 and 1.1)."""
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise InputError("读 GeoParquet 需要 pyarrow", where=path.name, remedy=geoparquet.ADVICE) from error
    try:
        with parquet.ParquetFile(path) as opened:
            said = (opened.schema_arrow.metadata or {}).get(b"geo")
            fields, count = list(opened.schema_arrow.names), int(opened.metadata.num_rows)
    except pyarrow.ArrowException as error:
        raise InputError("不是有效的 Parquet 文件", where=path.name, remedy=REMEDY) from error
    head = geoparquet.head(said, path.name)
    geometry, claim = head.geometry, claim_of(head.system, head.how)
    claim = replace(claim, system=head.code) if claim.system and head.code else claim
    if geometry not in fields:
        raise InputError(f"没有图形列 {geometry!r}", where=path.name, remedy=REMEDY)
    keys = Keys(chosen(fields, ID_KEYS, id_column, path.name), chosen(fields, NAME_KEYS, None, path.name))

    def chunks(size: int) -> Iterator[Chunk]:
        wanted = list(dict.fromkeys((geometry, *keys.all)))
        try:
            # Buffered ahead, every byte that was read would be held to the end.
            with parquet.ParquetFile(path, pre_buffer=False) as again:
                yield from of_batches(again.iter_batches(batch_size=size, columns=wanted), geometry, keys, size)
        except pyarrow.ArrowException as error:
            raise InputError("Parquet 文件已损坏", where=path.name, remedy=REMEDY) from error

    return Source(path.name, count, stamp, claim, chunks)
