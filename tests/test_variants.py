"""The corpus: every variant is read to the right place within 1 mm, or raises the right question."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from linxi_gis.errors import InputError
from linxi_gis.intake import AmbiguousCrsError, Options, Reading, read
from linxi_gis.intake.transform import parse_transform
from linxi_layers import demo_outline
from tests.variants.corpus import SUBJECTS, all_variants
from tests.variants.ground import LONLAT, PLANE, Truth, Variant, moved

VARIANTS = all_variants()
COUNTY = shapely.union_all(
    shapely.get_parts(shapely.from_geojson(demo_outline().read_text(encoding="utf-8")))
)


def options(truth: Truth) -> Options:
    """The county is always known; --crs and --transform where the truth needs them."""
    shift = parse_transform(truth.transform) if truth.transform else None
    return Options(crs=truth.crs or None, county=COUNTY, transform=shift)


def off_m(one: BaseGeometry, other: BaseGeometry) -> float:
    """Metres between two shapes of EPSG:4490: Hausdorff, in the plane of zone 39."""
    one, other = (shapely.get_geometry(s, 0) if shapely.get_num_geometries(s) == 1 else s for s in (one, other))
    if one.geom_type != other.geom_type:
        return float("inf")
    a, b = (shapely.normalize(moved(shape, LONLAT, PLANE)) for shape in (one, other))
    if shapely.get_dimensions(a) == 2:
        a, b = shapely.boundary(a), shapely.boundary(b)
    return float(shapely.hausdorff_distance(a, b))


def codes(reading: Reading) -> set[str]:
    return {issue.code for issue in (*reading.issues, *(i for site in reading.sites for i in site.issues))}


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_a_variant_is_read_right_or_asked_about(variant: Variant, tmp_path: Path) -> None:
    truth, path = variant.truth, tmp_path / variant.name
    variant.write(path)
    if truth.ask:
        with pytest.raises(AmbiguousCrsError) as asked:
            read(path, options(truth))
        assert set(truth.ask) <= {candidate.crs for candidate in asked.value.candidates}
        return
    if truth.error:
        with pytest.raises(InputError) as refused:
            read(path, options(truth))
        assert re.search(truth.error, str(refused.value)) and refused.value.remedy
        return
    reading = read(path, options(truth))
    held = [site.geometry for site in reading.sites]
    assert len(held) == len(truth.shapes)
    if truth.any_order:
        held = [min(held, key=lambda shape: off_m(shape, wanted)) for wanted in truth.shapes]
    assert max(off_m(a, b) for a, b in zip(held, truth.shapes, strict=True)) < truth.tolerance_m
    assert set(truth.codes) <= codes(reading)
    assert not {i for i in reading.issues if i.severity == "error"} or "feature_unreadable" in truth.codes
    _words(reading, truth)


def _words(reading: Reading, truth: Truth) -> None:
    if truth.names:
        assert tuple(site.name for site in reading.sites) == truth.names
    if truth.ids:
        assert tuple(site.id for site in reading.sites) == truth.ids
    assert set(truth.attributes) <= set(reading.sites[0].attributes)
    if truth.declared_m2 is not None:
        assert reading.sites[0].declared_area_m2 == pytest.approx(truth.declared_m2, rel=1e-9)


def test_the_corpus_is_large_and_of_every_subject() -> None:
    assert len(VARIANTS) >= 120 and len(SUBJECTS) == 6
    suffixes = {Path(variant.name).suffix for variant in VARIANTS}
    assert {
        ".txt", ".csv", ".tsv", ".xlsx", ".xls", ".docx", ".wkt", ".zip", ".geojson", ".gpkg", ".fgb", ".gdb",
        ".tab", ".mif", ".kml", ".kmz", ".gpx", ".dxf", ".dwg",
    } <= suffixes  # fmt: skip
