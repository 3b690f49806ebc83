"""GeoJSON, shapefiles, databases and zips, written by GDAL (pyogrio) or by hand."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from tests.variants.ground import Truth, add, holed, moved, plot, point, ring, route, text, true

PLOT, OTHER, HOLED = true(plot()), true(plot(400)), true(holed())
NAMES = ("大冷山尾矿库", "模样")  # 模样 in GBK happens to be valid UTF-8
BOTH = Truth((PLOT, OTHER), NAMES)


def save(
    path: Path, shapes: Sequence[BaseGeometry], driver: str, crs: str | None = "EPSG:4490", names: Sequence[str] = NAMES,
    layer: str | None = None, append: bool = False, **options: str,
) -> None:  # fmt: skip
    """Write shapes (in EPSG:4490) with names through GDAL, in `crs`; None: no reference system."""
    import warnings

    import pyogrio.raw

    held = [moved(shape, "EPSG:4490", crs) if crs else shape for shape in shapes]
    kinds = {shape.geom_type for shape in held}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GDAL remarks on what it writes
        pyogrio.raw.write(
            path, shapely.to_wkb(np.array(held, dtype=object)), [np.array(names[: len(held)], dtype=object)], ["名称"],
            crs=crs, driver=driver, layer=layer, append=append,
            geometry_type=kinds.pop() if len(kinds) == 1 else "Unknown", **options,
        )  # fmt: skip


def through(
    name: str, driver: str, crs: str | None = "EPSG:4490", truth: Truth = BOTH, **options: str
) -> None:
    """Register two plots written by a GDAL driver."""
    add(name, lambda path: save(path, [PLOT, OTHER], driver, crs, **options), truth)


def parts(
    crs: str | None, encoding: str, stem: str = "layer", shapes: Sequence[BaseGeometry] = (PLOT, OTHER)
) -> dict[str, bytes]:
    """The files of a shapefile by suffix."""
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder) / f"{stem}.shp", shapes, "ESRI Shapefile", crs, encoding=encoding)
        return {file.suffix: file.read_bytes() for file in sorted(Path(folder).iterdir())}


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip of files."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return held.getvalue()


def _shapefiles() -> None:
    def shp(
        name: str, crs: str | None, encoding: str, drop: Sequence[str], truth: Truth, ldid: int | None = None
    ) -> None:
        def write(path: Path) -> None:
            files = {k: v for k, v in parts(crs, encoding).items() if k not in drop}
            if ldid is not None:
                files[".dbf"] = files[".dbf"][:29] + bytes([ldid]) + files[".dbf"][30:]
            path.write_bytes(zipped({f"地块/layer{k}": v for k, v in files.items()}))

        add(name, write, truth)

    shp("shp-utf8.zip", "EPSG:4490", "UTF-8", (), BOTH)
    shp("shp-gbk.zip", "EPSG:4490", "GBK", (), BOTH)
    for ldid in (0x00, 0x57, 0x4D, 0x78):
        shp(f"shp-gbk-ldid-{ldid:02x}.zip", "EPSG:4490", "GBK", (".cpg",), BOTH, ldid)
    shp("shp-zone39.zip", "EPSG:4527", "GBK", (), BOTH)
    shp("shp-zone40-bare.zip", "EPSG:4549", "GBK", (), BOTH)
    shp(
        "shp-no-prj-prefixed.zip",
        "EPSG:4527",
        "GBK",
        (".prj",),
        Truth((PLOT, OTHER), NAMES, codes=("datum_assumed",)),
    )
    shp(
        "shp-no-prj-degrees.zip",
        "EPSG:4490",
        "GBK",
        (".prj",),
        Truth((PLOT, OTHER), codes=("datum_assumed",)),
    )
    shp("shp-no-prj-bare.zip", "EPSG:4548", "GBK", (".prj",), Truth(ask=("EPSG:4548",)))
    shp("shp-no-shx.zip", "EPSG:4490", "GBK", (".shx",), Truth((PLOT, OTHER), NAMES, codes=("shx_rebuilt",)))
    shp("shp-no-dbf.zip", "EPSG:4490", "GBK", (".dbf",), Truth((PLOT, OTHER), codes=("attributes_missing",)))
    shp("shp-xian80.zip", "EPSG:4610", "GBK", (), Truth(error="西安80"))

    def beside(path: Path) -> None:
        path.mkdir()
        for suffix, data in parts("EPSG:4490", "GBK").items():
            (path / f"图层{suffix.upper()}").write_bytes(data)

    add("shp-folder", beside, BOTH)

    def gbk_names(path: Path) -> None:
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w") as archive:
            for suffix, data in parts("EPSG:4490", "GBK").items():
                # As Windows packs it: GBK bytes, no UTF-8 flag. zipfile writes ASCII names as they are,
                # so an ASCII stand-in of the same length is put in and exchanged afterwards.
                archive.writestr(f"\x01\x02\x03\x04{suffix}", data)
        path.write_bytes(held.getvalue().replace(b"\x01\x02\x03\x04", "地块".encode("gbk")))

    add("shp-gbk-names.zip", gbk_names, BOTH)
    add(
        "shp-holes.zip",
        lambda path: path.write_bytes(
            zipped({f"a{k}": v for k, v in parts("EPSG:4490", "GBK", shapes=[HOLED]).items()})
        ),
        Truth((HOLED,)),
    )


def _geojson() -> None:
    def body(shape: BaseGeometry, **members: Any) -> str:
        feature = {
            "type": "Feature",
            "properties": {"名称": NAMES[0], "用途": "示意"},
            "geometry": json.loads(shapely.to_geojson(shape)),
        }
        return json.dumps({"type": "FeatureCollection", "features": [feature], **members}, ensure_ascii=False)

    one = Truth((PLOT,), NAMES[:1], codes=("datum_assumed",), attributes=(("用途", "示意"),))
    text("geojson.geojson", body(PLOT), one)
    text("geojson-bom.geojson", body(PLOT), one, "utf-8-sig")
    text("geojson-gbk.json", body(PLOT), Truth((PLOT,), NAMES[:1], codes=("encoding_guessed",)), "gbk")
    text("geojson-hole.geojson", body(HOLED), Truth((HOLED,)))
    text("geojson-crs-4490.geojson", body(PLOT, crs=_member("urn:ogc:def:crs:EPSG::4490")), Truth((PLOT,)))
    text("geojson-crs-4527.geojson", body(plot(), crs=_member("EPSG:4527")), Truth((PLOT,)))
    text(
        "geojson-crs84.geojson",
        body(PLOT, crs=_member("urn:ogc:def:crs:OGC:1.3:CRS84")),
        Truth((PLOT,), codes=("datum_assumed",)),
    )
    swapped = shapely.transform(PLOT, lambda xy: xy[:, ::-1])
    text("geojson-lat-first.geojson", body(swapped), Truth((PLOT,), codes=("axes_swapped",)))
    text("geojson-metres.geojson", body(plot()), Truth((PLOT,)))
    broken = body(PLOT).replace(NAMES[0], NAMES[0].encode().decode("latin-1"))
    text("geojson-latin1.geojson", broken, Truth((PLOT,), NAMES[:1], codes=("mojibake_suspected",)))
    mixed = {
        "type": "GeometryCollection",
        "geometries": [json.loads(shapely.to_geojson(s)) for s in (PLOT, true(route()), true(point()))],
    }
    text("geojson-collection.geojson", json.dumps({"type": "Feature", "id": "a", "properties": {}, "geometry": mixed}),
         Truth((PLOT, true(route()), true(point())), ids=("a-面", "a-线", "a-点"), codes=("collection_split",)))  # fmt: skip
    sequence = "\n".join(
        json.dumps({"type": "Feature", "properties": {}, "geometry": json.loads(shapely.to_geojson(s))})
        for s in (PLOT, OTHER)
    )
    text("geojson-lines.geojson", sequence, Truth((PLOT, OTHER)))
    text("geojson-cut-off.geojson", body(PLOT)[:-40], Truth(error="JSON"))


def _member(name: str) -> dict[str, Any]:
    return {"type": "name", "properties": {"name": name}}


def _databases() -> None:
    through("database.gpkg", "GPKG")
    through("database-zone39.gpkg", "GPKG", "EPSG:4527")
    through("fgb.fgb", "FlatGeobuf", truth=Truth((PLOT, OTHER), any_order=True))  # FlatGeobuf sorts by place
    through("fgb-in-order.fgb", "FlatGeobuf", SPATIAL_INDEX="NO")
    through(
        "tab.tab",
        "MapInfo File",
        "EPSG:4326",
        ENCODING="CP936", BOUNDS="117,43,119,45",
        truth=Truth((PLOT, OTHER), NAMES, tolerance_m=2e-3),
    )
    through("mif.mif", "MapInfo File", "EPSG:4326", ENCODING="CP936", FORMAT="MIF")
    through("gdb.gdb", "OpenFileGDB", truth=Truth((PLOT, OTHER), NAMES))

    def layers(path: Path) -> None:
        save(path, [PLOT], "GPKG", "EPSG:4490", layer="一期")
        save(path, [true(route())], "GPKG", "EPSG:4527", layer="管线", append=True)

    add("database-two-layers.gpkg", layers, Truth((PLOT, true(route()))))

    def packed(path: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            save(Path(folder) / "a.gdb", [PLOT, OTHER], "OpenFileGDB")
            path.write_bytes(
                zipped(
                    {
                        f"数据/a.gdb/{file.name}": file.read_bytes()
                        for file in sorted((Path(folder) / "a.gdb").iterdir())
                    }
                )
            )

    add("gdb.zip", packed, BOTH)


def _zips() -> None:
    def of(files: Callable[[], Mapping[str, bytes]]) -> Callable[[Path], None]:
        return lambda path: path.write_bytes(zipped(files()))

    two = {**{f"a/一{k}": v for k, v in parts("EPSG:4490", "GBK", shapes=[PLOT]).items()},
           **{f"b/二{k}": v for k, v in parts("EPSG:4527", "GBK", shapes=[OTHER]).items()}}  # fmt: skip
    add("zip-two-shapefiles.zip", of(lambda: two), Truth((PLOT, OTHER)))
    lonlat = "经度,纬度\n" + "\n".join(f"{x:.9f},{y:.9f}" for x, y in ring(PLOT))
    add(
        "zip-table.zip",
        of(lambda: {"坐标.csv": lonlat.encode(), "说明.pdf": b"%PDF-1.4"}),
        Truth((PLOT,), codes=("zip_ignored",)),
    )
    add("zip-climbs.zip", of(lambda: {"../a.csv": lonlat.encode()}), Truth(error="越界"))
    inner = zipped({"a.csv": lonlat.encode()})
    add("zip-nested.zip", of(lambda: {"a.zip": inner}), Truth(error="zip"))
    add("zip-empty.zip", of(dict), Truth(error="zip"))


_shapefiles()
_geojson()
_databases()
_zips()
