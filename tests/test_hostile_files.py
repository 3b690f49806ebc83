"""Files from strangers: bombs, disguises, references to elsewhere, damage. A Reading or a LinxiError, soon."""

from __future__ import annotations

import io
import json
import random
import stat
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import shapely
from yard import DAY, GK, HUNDRED, RULES, entry, open_library, write_layer

from linxi_gis import crs
from linxi_gis.errors import InputError, LinxiError
from linxi_gis.intake import SUFFIXES, Limits, Options, Reading, read, read_bytes
from linxi_gis.intake.guard import Reader
from linxi_gis.report import issuefile, text

SOON_S = 10.0
VRT = b"""<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>%s</SrcDataSource>
<SrcSQL>SELECT 1</SrcSQL><GeometryType>wkbPoint</GeometryType></OGRVRTLayer></OGRVRTDataSource>"""
NASTY = "<script>alert(1)</script>{{7*7}}${1}\u202egpj.exe\x9b2J\x1b[2J"
POLYGON = (
    "<Polygon><outerBoundaryIs><LinearRing><coordinates>118,43.6 118.1,43.6 118.1,43.7 118,43.6</coordinates>"
    "</LinearRing></outerBoundaryIs></Polygon>"
)


def refused(data: bytes, name: str, **limits: float) -> LinxiError:
    begun = time.monotonic()
    with pytest.raises(LinxiError) as caught:
        read_bytes(data, name, Options(limits=Limits(**limits)))  # type: ignore[arg-type]
    assert time.monotonic() - begun < SOON_S and str(caught.value)
    return caught.value


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return stream.getvalue()


def kml(inside: str, head: str = "") -> bytes:
    return f'<?xml version="1.0"?>{head}<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{inside}</Document></kml>'.encode()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_vrt_is_opened_under_no_suffix(suffix: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("x,y\n118.0,43.6\n", encoding="utf-8")
    for source in (str(secret).encode(), b"/vsicurl/http://127.0.0.1:9/a.shp"):
        refused(VRT % source, f"a{suffix}")
        path = tmp_path / f"b{suffix}"
        path.write_bytes(VRT % source)
        with pytest.raises(LinxiError):
            read(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "data", [b"", b"\0", b"\0" * 5_000, b"\xff" * 999, bytes(range(256)) * 9, b"<" * 9_000, b"[" * 60_000,
             b'{"a":' * 30_000, b"(" * 60_000, b"POLYGON(" * 9_000],
    ids=["empty", "nul", "nuls", "ff", "all bytes", "<", "[", "{", "(", "polygon("],
)  # fmt: skip
def test_nonsense_is_refused_under_every_suffix(suffix: str, data: bytes) -> None:
    refused(data, f"a{suffix}")


@pytest.mark.parametrize(
    "name", ["/vsicurl/http://127.0.0.1:9/a.shp", "/vsizip/vsicurl/http://127.0.0.1:9/a.zip/a.shp", "http://127.0.0.1/a.kml"]
)
def test_a_name_that_is_an_address_is_only_a_name(name: str) -> None:
    """pytest-socket would let 127.0.0.1 through, but nothing listens on port 9: an attempt would fail otherwise."""
    with pytest.raises(InputError, match="不存在"):
        read(Path(name))


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE kml [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE kml SYSTEM "http://127.0.0.1:9/a.dtd">',
        '<!DOCTYPE kml [<!ENTITY % p SYSTEM "http://127.0.0.1:9/a.dtd">%p;]>',
        "<!DOCTYPE kml [" + '<!ENTITY a "ha">' + "".join(
            f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True)) + "]>",
    ],
    ids=["file", "remote dtd", "parameter entity", "billion laughs"],
)  # fmt: skip
@pytest.mark.parametrize("suffix", [".kml", ".gpx", ".txt"])
def test_xml_with_a_dtd_is_refused_unexpanded(head: str, suffix: str) -> None:
    entity = "&j;" if "&a;" in head else "&x;"
    error = refused(kml(f"<Placemark><name>{entity}</name>{POLYGON}</Placemark>", head), f"a{suffix}")
    assert "root:" not in str(error) and "haha" not in str(error)


def test_a_network_link_is_told_and_never_followed(socket_disabled: None) -> None:
    link = "<NetworkLink><Link><href>http://127.0.0.1:9/more.kml</href></Link></NetworkLink>"
    reading = read_bytes(kml(link + f"<Placemark><name>甲</name>{POLYGON}</Placemark>"), "a.kml")
    assert len(reading.sites) == 1
    assert any("link" in issue.code and issue.severity != "info" for issue in reading.issues), reading.issues


def test_zips_of_zeros_of_names_and_of_zips() -> None:
    zeros = b"\0" * (64 * 2**20)
    assert "超过上限" in str(refused(zipped(("a.shp", zeros)), "a.zip", unpacked_bytes=2**20))
    many = zipped(*((f"{n}.shp", b"") for n in range(100_000)))
    assert "zip_entries" in str(refused(many, "a.zip"))
    nested = zipped(("a.shp", b"x"))
    for _ in range(20):
        nested = zipped(("inner.zip", nested))
    refused(nested, "a.zip")
    refused(nested, "a.kmz")


@pytest.mark.parametrize("name", ["../../a.shp", "/etc/a.shp", "C:\\a.shp", "..\\a.shp", "a/../../b.shp"])
@pytest.mark.parametrize("suffix", [".zip", ".kmz"])
def test_names_that_climb_out_write_nothing(name: str, suffix: str, tmp_path: Path) -> None:
    inner = tmp_path / "in"
    inner.mkdir()
    path = inner / f"a{suffix}"
    path.write_bytes(zipped((name, b"x"), (name.replace("shp", "kml"), kml("")), (name.replace("shp", "shx"), b"x")))
    with pytest.raises(LinxiError):
        read(path)
    assert sorted(found.name for found in tmp_path.rglob("*")) == [path.name, "in"]


def test_a_link_in_a_zip_is_not_followed(tmp_path: Path) -> None:
    write_layer(tmp_path / "secret.shp", [HUNDRED])
    entries = []
    for part in (".shp", ".shx", ".dbf", ".prj"):
        link = zipfile.ZipInfo(f"a{part}")
        link.create_system = 3
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        entries.append((link, str(tmp_path / f"secret{part}").encode()))
    refused(zipped(*entries), "a.zip")


@pytest.mark.parametrize("suffix", [".xlsx", ".docx"])
def test_office_bombs(suffix: str) -> None:
    inside = "xl/workbook.xml" if suffix == ".xlsx" else "word/document.xml"
    bomb = zipped(("[Content_Types].xml", b"<Types/>"), (inside, b" " * (64 * 2**20)))
    refused(bomb, f"a{suffix}", unpacked_bytes=2**20)
    refused(zipped(("[Content_Types].xml", b"<Types/>"), *((f"xl/{n}", b"") for n in range(2_000))), f"a{suffix}")


def test_a_block_that_inserts_itself() -> None:
    seed = Path(__file__).parent / "fuzz" / "corpus" / "dxf"
    refused((seed / "self_insert.dxf").read_bytes(), "a.dxf")
    refused((seed / "array.dxf").read_bytes(), "a.dxf")


def test_a_million_cornered_star_ends_within_its_time() -> None:
    n = 1_000_001
    turn = 2 * np.pi * np.arange(n) * ((n - 1) // 2) / n
    xy = np.column_stack([118.0 + 0.05 * np.cos(turn), 43.6 + 0.05 * np.sin(turn)])
    body = shapely.to_geojson(shapely.Polygon(xy)).encode()
    begun = time.monotonic()
    with Reader() as reader, pytest.raises(InputError, match="seconds"):
        reader.read_bytes(body, "星.geojson", Options(limits=Limits(seconds=5.0)))
    assert time.monotonic() - begun < 40.0


@pytest.mark.parametrize("corners", [1_000, 3_000])
def test_a_tangle_small_enough_to_be_read_here_is_refused_soon(corners: int) -> None:
    rng = random.Random(corners)
    ring = [[round(118 + rng.random() / 10, 3), round(43.6 + rng.random() / 10, 3)] for _ in range(corners)]
    body = json.dumps({"type": "Polygon", "coordinates": [[*ring, ring[0]]]}).encode()
    assert "交叉过多" in str(refused(body, "a.geojson"))


def test_edges_without_end_are_refused_soon() -> None:
    lines = [[[112, 40], [123, 51]]] * 2_000
    body = json.dumps({"type": "MultiLineString", "coordinates": lines}).encode()
    assert "总长" in str(refused(body, "a.geojson"))
    ring = [[118, 43.6], [118.1, 43.6], [118.1, 43.7], [118, 43.6]]
    hole = [[118.05, 43.61], [118.06, 43.61], [26118.05, 43.61], [118.05, 43.61]]
    body = json.dumps({"type": "Polygon", "coordinates": [ring, hole]}).encode()
    assert "数千公里" in str(refused(body, "a.geojson"))


def named(name: str) -> bytes:
    shape = json.loads(shapely.to_geojson(crs.to_lonlat(HUNDRED, GK)))
    return json.dumps({"type": "Feature", "properties": {"name": name, name: name}, "geometry": shape}).encode()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("county")
    write_layer(folder / "redline.gpkg", [HUNDRED])
    return open_library(folder, [entry("redline", "ecological_redline", "redline.gpkg")])


def test_a_nasty_name_is_only_a_name_on_every_face(library: Any) -> None:
    from rich.console import Console

    from linxi_gis.assess import assess
    from linxi_gis.report import extract
    from linxi_maps import site_map

    sites = read_bytes(named(NASTY), "a.geojson").sites
    assert sites[0].name.startswith("<script>")
    answer = assess(sites, library, RULES, DAY)[0]
    assert extract.build(answer)["site"]["name"] == sites[0].name
    console = Console(file=io.StringIO(), width=120)
    console.print(text.render(answer))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "<script>" in shown and not set("\x1b\x9b\u202e") & set(shown)
    assert issuefile.readings([issuefile.told_of("a", read_bytes(named(NASTY), "a.geojson"))])
    page = site_map(answer, [], outline=None)
    assert "<script>alert(1)" not in page and "49${" not in page and "{{7*7}}" not in page


@pytest.fixture(scope="module")
def client(library: Any) -> Iterator[Any]:
    import asyncio

    from linxi_api.app import create_app

    app = create_app(library, RULES, Limits(file_bytes=200_000))

    def ask(path: str, **more: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as asking:
                return await asking.post(path, params={"on": DAY.isoformat()}, **more)

        return asyncio.run(send())

    yield ask
    app.state.reader.close()


@pytest.mark.parametrize("route", ["/v1/assessments", "/v1/readings"])
def test_http_takes_text_files_and_bodies(client: Any, route: str) -> None:
    table = "名称,经度,纬度\n井,118.0,43.6\n"
    for kind in ("text/plain", "text/csv; charset=utf-8"):
        answer = client(route, content=table.encode("gbk"), headers={"content-type": kind})
        assert answer.status_code == 200 and "井" in answer.text, answer.text
    upload = client(route, files={"file": ("../../etc/井.csv", table.encode())})
    assert upload.status_code == 200 and "井" in upload.text and "etc" not in upload.text
    assert client(route, content=named("甲")).status_code == 200
    big = client(route, content=b"1" * 2_000_000, headers={"content-type": "text/plain"})
    assert big.status_code == 413 and "--limit file_bytes" in big.text


@pytest.mark.parametrize(
    "name", ["http://127.0.0.1:9/a.csv", "/etc/passwd", "file:///etc/passwd", "\\\\host\\share\\a.shp", "/vsicurl/x"]
)
def test_no_field_of_http_is_an_address_or_a_path(client: Any, name: str) -> None:
    for more in ({"data": {"file": name}, "files": {"other": ("a", b"1")}},
                 {"json": {"file": name}},
                 {"json": {"type": "FeatureCollection", "file": name, "url": name, "features": []}},
                 {"files": {"file": (name, b"root:x")}},
                 {"content": name, "headers": {"content-type": "text/plain"}}):  # fmt: skip
        answer = client("/v1/readings", **more)
        assert answer.status_code in (400, 422), answer.text
        assert "root:x:0" not in answer.text


def test_http_hands_a_nasty_name_back_as_it_is(client: Any) -> None:
    answer = client("/v1/readings", files={"file": (f"{NASTY}.geojson", named(NASTY))})
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/json"
    assert answer.json()["sites"][0]["name"].startswith("<script>alert(1)</script>{{7*7}}")


SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "data" / "samples"
FILES = sorted(path for path in SAMPLES.rglob("*") if path.suffix.lower() in SUFFIXES)


def _count(data: bytes, name: str) -> Reading | None:
    begun = time.monotonic()
    try:
        reading = read_bytes(data, name, Options(crs=None))
    except LinxiError:
        reading = None
    assert time.monotonic() - begun < SOON_S, (name, len(data))
    return reading


def _sample(path: Path) -> tuple[bytes, str]:
    if path.suffix != ".shp":
        return path.read_bytes(), path.name
    parts = sorted(path.parent.glob(f"{path.stem}.*"))
    return zipped(*((part.name, part.read_bytes()) for part in parts)), f"{path.stem}.zip"


@pytest.mark.parametrize("path", FILES or [None], ids=lambda path: path.name if path else "none")
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_damaged_samples_are_read_whole_or_told(path: Path | None, shared: Path) -> None:
    assert path is not None
    data, name = _sample(path)
    truth = _count(data, name)
    whole = len(truth.sites) if truth else 0
    rng = random.Random(path.name)
    damaged = [data[: len(data) * n // 20] for n in range(20)]
    flips = 200 if len(data) < 50_000 else 40
    for _ in range(flips):
        spoiled = bytearray(data)
        spoiled[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        damaged.append(bytes(spoiled))
    for number, spoiled in enumerate(damaged):
        reading = _count(bytes(spoiled), name)
        if reading is not None and len(reading.sites) < whole and number < 20:
            told = [i for i in reading.issues if i.severity != "info"] + [
                i for site in reading.sites for i in site.issues if i.severity != "info"]  # fmt: skip
            assert told, (number, len(reading.sites), whole)
