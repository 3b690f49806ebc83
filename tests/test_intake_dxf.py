"""DXF: outlines, curves, hatches, blocks, loose lines, encodings, units; hostile drawings refused."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ezdxf
import numpy as np
import pyproj
import pytest
import shapely

from linxi_gis.errors import InputError
from linxi_gis.intake import AmbiguousCrsError, Limits, Options, read, read_bytes
from linxi_gis.intake.dxf import drafts_dxf
from linxi_gis.intake.dxf_loops import near_ends
from linxi_gis.intake.reading import Draft, Drawn

E, N = 39580000.0, 4830000.0  # CGCS2000 3-degree zone 39
MM = 0.001


def saved(doc: Any, fmt: str = "asc") -> bytes:
    if fmt == "bin":
        raw = io.BytesIO()
        doc.write(raw, fmt="bin")
        return raw.getvalue()
    text = io.StringIO()
    doc.write(text)
    return doc.encode(text.getvalue())


def made(draw: Callable[[Any], object], version: str = "R2010", units: int = 6) -> Draft:
    doc = ezdxf.new(version)
    doc.units = units
    draw(doc.modelspace())
    return drafted(saved(doc))


_USUAL = Limits()


def drafted(data: bytes, limits: Limits = _USUAL) -> Draft:
    (draft,) = drafts_dxf(data, "f.dxf", limits)
    return draft


def codes(found: Draft | Drawn) -> list[str]:
    return [issue.code for issue in found.issues]


def square(x: float, y: float, size: float) -> list[tuple[float, float]]:
    return [(E + x, N + y), (E + x + size, N + y), (E + x + size, N + y + size), (E + x, N + y + size)]


def only(draft: Draft) -> Drawn:
    (drawn,) = draft.drawn
    return drawn


def local(drawn: Drawn) -> shapely.Geometry:
    return shapely.transform(drawn.geometry, lambda xy: xy - np.array([E, N]))


@pytest.mark.parametrize("fmt", ["asc", "bin"])
@pytest.mark.parametrize("version", ["R12", "R2000", "R2004", "R2007", "R2018"])
def test_a_closed_polyline_with_a_chinese_layer_in_every_version(version: str, fmt: str) -> None:
    doc = ezdxf.new(version)
    doc.encoding = "gbk" if version in ("R12", "R2000", "R2004") else "utf8"
    doc.header["$DWGCODEPAGE"] = "ANSI_936"
    doc.layers.add("项目红线", color=1)
    doc.modelspace().add_polyline2d(square(0, 0, 100), close=True, dxfattribs={"layer": "项目红线"})
    drawn = only(drafted(saved(doc, fmt)))
    assert shapely.area(drawn.geometry) == 10_000.0
    assert dict(drawn.attributes)["图层"] == "项目红线" and dict(drawn.attributes)["句柄"]


def test_the_court_reads_the_zone_of_the_eastings() -> None:
    doc = ezdxf.new()
    doc.modelspace().add_lwpolyline(square(0, 0, 100), close=True)
    (site,) = read_bytes(saved(doc), "f.dxf").sites
    to_degrees = pyproj.Transformer.from_crs("EPSG:4527", "EPSG:4490", always_xy=True)
    lon, lat = to_degrees.transform([p[0] for p in square(0, 0, 100)], [p[1] for p in square(0, 0, 100)])
    found = shapely.get_coordinates(site.geometry)[:4]
    assert np.abs(found - np.column_stack([lon, lat])).max() < MM / 111e3
    assert site.reference.source == "EPSG:4527"


def test_an_easting_without_zone_is_asked_about_and_swapped_axes_are_found() -> None:
    doc = ezdxf.new()
    doc.modelspace().add_lwpolyline([(x - 39e6, y) for x, y in square(0, 0, 100)], close=True)
    with pytest.raises(AmbiguousCrsError):
        read_bytes(saved(doc), "f.dxf")
    assert read_bytes(saved(doc), "f.dxf", Options(crs="EPSG:4548")).sites[0].area_m2 > 9_000
    doc = ezdxf.new()
    doc.modelspace().add_lwpolyline([(y, x) for x, y in square(0, 0, 100)], close=True)
    assert read_bytes(saved(doc), "f.dxf").sites[0].reference.axes == "X=北, Y=东"


def test_bulges_and_circles_keep_within_a_millimetre_of_the_arc() -> None:
    half = [(E, N, 0, 0, 1.0), (E + 100, N, 0, 0, 0.0)]  # a half circle below the chord
    shape = local(only(made(lambda m: m.add_lwpolyline(half, close=True))))
    assert shapely.area(shape) == pytest.approx(math.pi * 50**2 / 2, abs=MM * 160)
    radii = np.hypot(*(shapely.get_coordinates(shape) - (50, 0)).T)
    assert np.abs(radii - 50).max() < 1e-6 and shape.bounds[1] == pytest.approx(-50, abs=MM)
    middles = shapely.get_coordinates(shape)
    middles = (middles[1:-2] + middles[2:-1]) / 2
    assert np.abs(np.hypot(*(middles - (50, 0)).T) - 50).max() < MM
    disc = local(only(made(lambda m: m.add_circle((E, N), 1000))))
    assert shapely.area(disc) == pytest.approx(math.pi * 1e6, abs=MM * math.tau * 1000)
    oval = local(only(made(lambda m: m.add_ellipse((E, N), (300, 0), 0.5))))
    assert shapely.area(oval) == pytest.approx(math.pi * 300 * 150, abs=MM * 1500)


def test_a_mirrored_polyline_lies_where_the_drawing_shows_it() -> None:
    def draw(model: Any) -> None:
        points = [(-x, y, b) for (x, y), b in zip(square(0, 0, 100), (0.5, 0, 0, 0), strict=True)]
        model.add_lwpolyline(points, format="xyb", close=True, dxfattribs={"extrusion": (0, 0, -1)})

    shape = local(only(made(draw)))
    assert shape.bounds[0] == pytest.approx(0) and shape.bounds[2] == pytest.approx(100)
    # Counter-clockwise in its own system, seen from behind: the bulge of 0.5 (a quarter of the chord) turns inward.
    assert shape.bounds[1] == pytest.approx(0, abs=MM) and shapely.area(shape) < 10_000


def test_arcs_and_open_splines_are_lines_and_points_points() -> None:
    def draw(model: Any) -> None:
        model.add_arc((E, N), 100, 0, 90, dxfattribs={"layer": "a"})
        model.add_open_spline([(E, N), (E + 100, N), (E + 200, N), (E + 300, N)], dxfattribs={"layer": "b"})
        model.add_point((E, N, 5))

    draft = made(draw)
    arc, spline, point = draft.drawn
    assert shapely.length(arc.geometry) == pytest.approx(math.pi * 50, abs=0.01)
    assert shapely.length(spline.geometry) == pytest.approx(300, abs=MM)
    assert point.geometry.geom_type == "Point" and "z_dropped" in codes(draft)


def test_a_closed_spline_is_an_area() -> None:
    corners = np.array([(0, 0), (100, 0), (100, 100), (0, 100)], dtype=float)
    drawn = only(made(lambda m: m.add_spline().set_closed([(E + x, N + y, 0) for x, y in corners])))
    t = np.linspace(0, 1, 2001)[:-1, None]  # the uniform cubic B-spline, by its blending functions
    blend = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    spans = [sum(b * corners[(k + n) % 4] for n, b in enumerate(blend)) / 6 for k in range(4)]
    expected = shapely.Polygon(np.vstack(spans))
    assert drawn.geometry.geom_type == "Polygon"
    assert shapely.hausdorff_distance(local(drawn), expected) < 0.05
    assert shapely.area(drawn.geometry) == pytest.approx(expected.area, abs=MM * expected.length)


def test_hatches_have_holes_and_edges_of_every_kind() -> None:
    def draw(model: Any) -> None:
        hatch = model.add_hatch()
        hatch.paths.add_polyline_path(square(0, 0, 100))
        hatch.paths.add_polyline_path(square(40, 40, 20), flags=16)

    assert shapely.area(only(made(draw)).geometry) == pytest.approx(9600)

    def edges(model: Any) -> None:
        path = model.add_hatch().paths.add_edge_path()
        path.add_line((E, N), (E + 100, N))
        path.add_arc((E + 100, N + 50), 50, 270, 90)
        path.add_line((E, N + 100), (E + 100, N + 100))  # runs the other way
        path.add_arc((E, N + 50), 50, 270, 90, ccw=False)

    shape = only(made(edges)).geometry  # right half disc added, left half disc cut out
    assert shapely.area(shape) == pytest.approx(10_000, abs=MM * 320)
    assert shape.bounds[2] == pytest.approx(E + 150, abs=MM)


def test_a_hatch_over_its_outline_is_one_site() -> None:
    def draw(model: Any) -> None:
        model.add_lwpolyline(square(0, 0, 100), close=True)
        model.add_hatch().paths.add_polyline_path(list(reversed(square(0, 0, 100))))

    draft = made(draw)
    assert len(draft.drawn) == 1 and "duplicate_outline" in codes(draft)


def test_lines_that_close_are_areas_and_the_rest_stay_lines() -> None:
    corners = square(0, 0, 100)

    def draw(model: Any) -> None:
        for a, b in ((0, 1), (2, 1), (2, 3), (0, 3)):  # one line in two is drawn backwards
            model.add_line(corners[a], (corners[b][0] + 1e-7, corners[b][1]))
        model.add_line(corners[0], (E - 50, N))
        model.add_line((E - 50, N), (E - 50, N - 50))

    draft = made(draw)
    area, line = draft.drawn
    assert shapely.area(area.geometry) == pytest.approx(10_000, abs=0.01)
    assert dict(area.attributes)["句柄"].count("、") == 3
    assert shapely.length(line.geometry) == pytest.approx(100) and len(line.geometry.coords) == 3
    assert {"lines_polygonised", "lines_joined"} <= set(codes(draft))


def test_lines_of_different_layers_do_not_close_together() -> None:
    corners = square(0, 0, 100)

    def draw(model: Any) -> None:
        for n in range(4):
            model.add_line(corners[n], corners[(n + 1) % 4], dxfattribs={"layer": f"层{n % 2}"})

    assert {drawn.geometry.geom_type for drawn in made(draw).drawn} == {"LineString"}


def test_a_self_crossing_loop_of_lines_is_not_lost() -> None:
    corners = [(E, N), (E + 100, N + 100), (E + 100, N), (E, N + 100)]

    def draw(model: Any) -> None:
        for n in range(4):
            model.add_line(corners[n], corners[(n + 1) % 4])

    drawn = only(made(draw))
    assert drawn.geometry.geom_type == "Polygon" and shapely.make_valid(drawn.geometry).area == pytest.approx(
        5000
    )


def test_a_line_that_nearly_closes_is_told() -> None:
    points = [*square(0, 0, 100), (E + 0.5, N)]
    drawn = only(made(lambda m: m.add_lwpolyline(points)))
    assert drawn.geometry.geom_type == "LineString" and "nearly_closed" in codes(drawn)
    assert only(made(lambda m: m.add_lwpolyline([*points[:4], points[0]]))).geometry.geom_type == "Polygon"


def sides(gap: float, size: float = 100.0, unit: float = 1.0) -> Callable[[Any], object]:
    """The four sides of a square, each a little short of the corner it runs to."""

    def draw(model: Any) -> None:
        for n in range(4):
            (x1, y1), (x2, y2) = square(0, 0, size)[n], square(0, 0, size)[(n + 1) % 4]
            short = (size - gap) / size
            model.add_line((x1 / unit, y1 / unit), ((x1 + (x2 - x1) * short) / unit, (y1 + (y2 - y1) * short) / unit))

    return draw


@pytest.mark.parametrize(("gap", "told"), [(0.02, True), (0.0999, True), (0.1001, False), (5.0, False)])
def test_ends_that_nearly_meet_are_told_and_not_joined(gap: float, told: bool) -> None:
    draft = made(sides(gap))
    assert [drawn.geometry.geom_type for drawn in draft.drawn] == ["LineString"] * 4
    assert [shapely.length(drawn.geometry) for drawn in draft.drawn] == pytest.approx([100 - gap] * 4, abs=1e-6)
    assert all(("ends_nearly_meet" in codes(drawn)) is told for drawn in draft.drawn)
    if told:
        (issue,) = {issue for drawn in draft.drawn for issue in drawn.issues}
        assert issue.severity == "warning" and "闭合多段线" in issue.remedy
        assert "4 处" in issue.text and "不到 0.1 m" in issue.text and f"约 {gap:.3f} m" in issue.text


def test_a_gap_in_a_drawing_in_millimetres_is_told_in_both_units() -> None:
    (issue,) = {i for drawn in made(sides(0.02, unit=0.001), units=4).drawn for i in drawn.issues}
    assert issue.code == "ends_nearly_meet" and "最大 20 个图形单位，约 0.020 m" in issue.text


def test_lines_that_meet_or_run_apart_are_not_said_to_nearly_meet() -> None:
    def draw(model: Any) -> None:
        model.add_line((E, N), (E + 50, N))
        for end in (-40, 40):  # three lines at a node
            model.add_line((E + 50, N), (E + 90, N + end))
        model.add_lwpolyline([*square(200, 0, 100), (E + 200, N + 0.05)])  # tells of itself that it nearly closes
        model.add_line((E, N + 300), (E + 0.04, N + 300))  # shorter than the reach
        model.add_line((E, N + 400), (E + 60, N + 400), dxfattribs={"layer": "别的"})
        model.add_line((E + 60.02, N + 400), (E + 90, N + 400))

    draft = made(draw)
    assert not [drawn.label for drawn in draft.drawn if "ends_nearly_meet" in codes(drawn)]
    assert [codes(drawn) for drawn in draft.drawn].count(["nearly_closed"]) == 1


def test_a_line_beside_a_gap_is_not_told() -> None:
    def draw(model: Any) -> None:
        sides(0.02)(model)
        model.add_line((E, N - 50), (E + 100, N - 50))

    assert [codes(drawn) for drawn in made(draw).drawn].count([]) == 1


def test_ends_packed_together_take_no_long() -> None:
    """Ten thousand ends within the reach of each other: each is held against the nearest only."""
    rng = np.random.default_rng(5)
    starts = rng.uniform(0.0, 0.05, (10_000, 2))
    lines = [np.array([start, start + np.array((100.0, 0.0))]) for start in starts]
    started = time.perf_counter()
    concerned, _, gap = near_ends(lines, 0.1)
    assert len(concerned) == 10_000 and 0.0 < gap < 0.1 and time.perf_counter() - started < 5.0


def test_blocks_are_opened_scaled_turned_and_nested() -> None:
    doc = ezdxf.new()
    inner, outer = doc.blocks.new("内"), doc.blocks.new("外")
    inner.add_lwpolyline([(0, 0), (1, 0), (1, 1), (0, 1)], close=True)
    inner.add_circle((5, 5), 1, dxfattribs={"layer": "圆"})
    outer.add_blockref("内", (10, 0), dxfattribs={"xscale": 2, "yscale": 3})
    place = {"rotation": 90, "xscale": 10, "yscale": 10, "layer": "地块"}
    doc.modelspace().add_blockref("外", (E, N), dxfattribs=place).add_attrib("项目名称", "示意工程")
    draft = drafted(saved(doc))
    box, oval = sorted(draft.drawn, key=lambda one: len(one.geometry.exterior.coords))
    assert local(box).equals_exact(shapely.box(-30, 100, 0, 120), 1e-5, normalize=True)
    assert shapely.area(oval.geometry) == pytest.approx(math.pi * 20 * 30, abs=MM * 160)
    assert dict(box.attributes)["图层"] == "地块" and dict(oval.attributes)["图层"] == "圆"
    assert dict(box.attributes)["块"] == "外/内" and box.name == "示意工程"


def test_rows_and_columns_of_an_insert_are_all_read() -> None:
    doc = ezdxf.new()
    doc.blocks.new("B").add_circle((0, 0), 1)
    grid = {"row_count": 2, "column_count": 3, "row_spacing": 10, "column_spacing": 20}
    doc.modelspace().add_blockref("B", (E, N), dxfattribs=grid)
    centres = {tuple(np.round(local(one).centroid.coords[0], 6) + 0.0) for one in drafted(saved(doc)).drawn}
    assert centres == {(x, y) for x in (0, 20, 40) for y in (0, 10)}


def circular(names: tuple[str, ...]) -> bytes:
    doc = ezdxf.new()
    for name in names:
        doc.blocks.new(name)
    for name, target in zip(names, (*names[1:], names[0]), strict=True):
        doc.blocks.get(name).add_blockref(target, (0, 0))
    doc.modelspace().add_blockref(names[0], (E, N))
    return saved(doc)


def test_blocks_that_insert_themselves_are_refused() -> None:
    for names in (("A",), ("A", "甲", "C")):
        with pytest.raises(InputError, match="引用了自身"):
            drafted(circular(names))


def test_a_bomb_of_blocks_is_refused_at_once() -> None:
    doc = ezdxf.new()
    for level in range(30):
        for side in "ab":
            block = doc.blocks.new(f"{side}{level}")
            if level < 29:
                block.add_blockref(f"a{level + 1}", (0, 0))
                block.add_blockref(f"b{level + 1}", (1, 0))
            else:
                block.add_point((0, 0))
    data = saved(doc)  # nothing inserts them: the library's own check would still walk every path
    with pytest.raises(InputError, match=r"超过上限|过于复杂"):
        drafted(data)
    doc = ezdxf.new()
    doc.blocks.new("B").add_point((0, 0))
    doc.modelspace().add_blockref("B", (E, N), dxfattribs={"row_count": 30000, "column_count": 30000})
    with pytest.raises(InputError, match="超过上限"):
        drafted(saved(doc))


def test_outlines_in_outlines_are_sites_of_their_own_and_told() -> None:
    def draw(model: Any) -> None:
        model.add_lwpolyline(square(0, 0, 100), close=True)
        model.add_lwpolyline(square(40, 40, 20), close=True)

    draft = made(draw)
    assert [shapely.area(one.geometry) for one in draft.drawn] == [10_000, 400]
    assert [issue.severity for issue in draft.issues if issue.code == "nested_outlines"] == ["warning"]


def test_one_label_inside_names_an_area_two_do_not() -> None:
    def draw(model: Any) -> None:
        for x in (0, 200, 400):
            model.add_lwpolyline(square(x, 0, 100), close=True)
        model.add_lwpolyline(square(10, 10, 20), close=True)
        model.add_mtext("内院", dxfattribs={"insert": (E + 15, N + 15)})
        model.add_text("尾矿库\\U+4E00期", dxfattribs={"insert": (E + 50, N + 50)})
        model.add_text("J1", dxfattribs={"insert": (E + 210, N + 10)})
        model.add_text("J2", dxfattribs={"insert": (E + 220, N + 10)})

    draft = made(draw)
    assert [one.name for one in draft.drawn] == ["尾矿库一期", "", "", "内院"]
    assert "label_as_name" in codes(draft.drawn[0]) and "texts_counted" in codes(draft)


def test_hidden_layers_and_entities_are_read_and_told() -> None:
    doc = ezdxf.new()
    for name in ("关", "冻", "不打"):
        doc.layers.add(name)
    doc.layers.get("关").off()
    doc.layers.get("冻").freeze()
    doc.layers.get("不打").dxf.plot = 0
    for x, name in enumerate(("关", "冻", "不打", "0")):
        held = {"layer": name, "invisible": int(name == "0")}
        doc.modelspace().add_circle((E + 10 * x, N), 1, dxfattribs=held)
    texts = [
        next(i.text for i in one.issues if i.code == "layer_hidden") for one in drafted(saved(doc)).drawn
    ]
    assert ["关闭" in texts[0], "冻结" in texts[1], "不打印" in texts[2], "不可见" in texts[3]] == [True] * 4


def test_what_is_not_read_is_counted() -> None:
    def draw(model: Any) -> None:
        model.add_circle((E, N), 1)
        model.add_3dface([(E, N), (E + 1, N), (E + 1, N + 1)])
        model.doc.layout("Layout1").add_line((0, 0), (1, 1))

    told = {issue.code: issue for issue in made(draw).issues}
    assert "3DFACE 1 个" in told["entities_not_read"].text and told["entities_not_read"].severity == "warning"
    assert "1 个图元" in told["paperspace_ignored"].text
    with pytest.raises(InputError, match="3DFACE"):
        made(lambda m: m.add_3dface([(E, N), (E + 1, N), (E + 1, N + 1)]))


def test_an_insert_of_a_block_that_is_not_there_is_told() -> None:
    def draw(model: Any) -> None:
        model.add_circle((E, N), 1)
        model.add_blockref("没有", (E, N))

    (told,) = [issue for issue in made(draw).issues if issue.code == "dxf_repaired"]
    assert told.severity == "warning" and "BLOCK" in told.text


def test_external_references_are_told_and_never_followed() -> None:
    doc = ezdxf.new()
    doc.add_xref_def("/nowhere/x.dwg", "底图")
    doc.modelspace().add_blockref("底图", (E, N))
    doc.modelspace().add_circle((E, N), 1)
    assert "xref_ignored" in codes(drafted(saved(doc)))


def test_millimetres_count_only_when_the_figures_prove_them() -> None:
    big = [(x * 1000, y * 1000) for x, y in square(0, 0, 100)]
    draft = made(lambda m: m.add_lwpolyline(big, close=True), units=4)
    assert shapely.area(only(draft).geometry) == pytest.approx(10_000) and "units_scaled" in codes(draft)
    draft = made(lambda m: m.add_lwpolyline(square(0, 0, 100), close=True), units=4)
    assert shapely.area(only(draft).geometry) == 10_000 and "units_header_ignored" in codes(draft)
    draft = made(lambda m: m.add_lwpolyline([(0, 0), (500, 0), (500, 500)], close=True), units=4)
    assert "units_unclear" in codes(draft)


def test_gbk_bytes_under_a_western_code_page_are_guessed_and_told() -> None:
    doc = ezdxf.new("R2000")
    doc.encoding = "gbk"
    doc.layers.add("项目红线范围")
    doc.modelspace().add_circle((E, N), 1, dxfattribs={"layer": "项目红线范围"})
    data = saved(doc).replace(b"ANSI_936", b"ANSI_1252")
    assert b"ANSI_1252" in data and "项目红线".encode("gbk") in data
    raw = saved(doc, "bin").replace(b"ANSI_936", b"ANSI_1252")
    for draft in (drafted(data), drafted(raw)):
        assert dict(only(draft).attributes)["图层"] == "项目红线范围" and "encoding_guessed" in codes(draft)


def test_extended_data_colour_and_control_characters() -> None:
    def draw(model: Any) -> None:
        model.doc.appids.add("MAP")
        circle = model.add_circle((E, N), 1, dxfattribs={"true_color": 0xFF8000})
        circle.set_xdata("MAP", [(1000, "地类=采矿\x07用地"), (1070, 5)])

    held = dict(only(made(draw)).attributes)
    assert held["扩展数据 MAP"] == "地类=采矿用地" and held["颜色"] == "#FF8000"


def geodata(xml: str, offset: float = 0.0) -> Draft:
    def draw(model: Any) -> None:
        model.add_circle((E, N), 1)
        held = model.new_geodata()
        held.coordinate_system_definition = xml
        held.dxf.design_point = (0, 0, 0)
        held.dxf.reference_point = (offset, 0, 0)

    return made(draw)


def test_a_map_system_in_the_drawing_is_claimed_only_when_nothing_is_shifted() -> None:
    xml = (
        '<Dictionary><Alias id="4527" type="CoordinateSystem"><ObjectId>X</ObjectId>'
        "<Namespace>EPSG Code</Namespace></Alias></Dictionary>"
    )
    assert geodata(xml).claim.system == "EPSG:4527"
    shifted = geodata(xml, 500_000.0)
    assert shifted.claim.system == "" and "geodata_unused" in codes(shifted)
    assert geodata(xml.replace("4527", "99999")).claim.system == ""


def test_degrees_are_cut_as_finely_as_metres() -> None:
    disc = only(made(lambda m: m.add_circle((118.05, 43.6), 0.01), units=0))
    assert shapely.area(disc.geometry) == pytest.approx(math.pi * 1e-4, rel=1e-5)


@pytest.mark.parametrize("head", [b"AC1015\0\0\0", b"AC1032\0\0\0", b"AC1.50"])
@pytest.mark.parametrize("suffix", ["dwg", "dxf"])
def test_dwg_is_refused_with_advice(head: bytes, suffix: str) -> None:
    with pytest.raises(InputError, match="另存为 DXF"):
        read_bytes(head + bytes(100), f"f.{suffix}")


def test_incomplete_and_damaged_files_are_never_read_in_part() -> None:
    doc = ezdxf.new()
    for x in range(5):
        doc.modelspace().add_lwpolyline(square(200 * x, 0, 100), close=True)
    text, raw = saved(doc), saved(doc, "bin")
    for cut in (0.3, 0.7, 0.95, 0.999):
        for whole in (text, raw):
            with pytest.raises(InputError):
                drafted(whole[: int(len(whole) * cut)])
    with pytest.raises(InputError, match="数字"):
        drafted(text.replace(b"39580200.0", b"395802x0.0"))
    for data in (b"", b"hello", bytes(100), b"0\nEOF\n"):
        with pytest.raises(InputError):
            read_bytes(data, "f.dxf")


def test_limits_are_named() -> None:
    doc = ezdxf.new()
    doc.modelspace().add_circle((E, N), 1000)
    doc.modelspace().add_circle((E, N), 2000)
    with pytest.raises(InputError, match="超过上限 1 个"):
        drafted(saved(doc), Limits(features=1))
    with pytest.raises(InputError, match="拐点超过上限 100 个"):
        drafted(saved(doc), Limits(vertices=100))
    draft = made(lambda m: (m.add_circle((E, N), 1e11), m.add_circle((E, N), 1)))
    assert len(draft.drawn) == 1 and "过大" in next(i.text for i in draft.issues if i.severity == "error")


def test_real_drawings(shared: Path) -> None:
    folder = shared / "samples" / "dxf"
    many = drafted((folder / "POLI-ALL210_12.DXF").read_bytes())
    assert len(many.drawn) == 28 and {one.geometry.geom_type for one in many.drawn} == {
        "Polygon",
        "LineString",
    }
    trash = drafted((folder / "R12_with_trash_beyond_EOF.dxf").read_bytes())
    assert only(trash).geometry.geom_type == "Polygon"
    blocks = drafted((folder / "custom_blocks.dxf").read_bytes())
    assert "CustomBlock1" in {dict(one.attributes).get("块") for one in blocks.drawn}
    with pytest.raises((InputError, AmbiguousCrsError)):
        read(folder / "custom_blocks.dxf")


def test_a_rational_spline_is_the_circle_it_stands_for() -> None:
    """A quarter circle as a rational quadratic: weights 1, cos 45°, 1 (exact, by construction)."""

    def draw(model: Any) -> None:
        points = [(E + 100, N), (E + 100, N + 100), (E, N + 100)]
        model.add_rational_spline(points, [1, math.sqrt(0.5), 1], degree=2, knots=[0, 0, 0, 1, 1, 1])

    points = shapely.get_coordinates(local(only(made(draw))))
    assert np.abs(np.hypot(*points.T) - 100).max() < 1e-6
    middles = (points[1:] + points[:-1]) / 2
    assert np.abs(np.hypot(*middles.T) - 100).max() < MM


def test_hatch_splines_are_read_like_spline_entities() -> None:
    def draw(model: Any) -> None:
        path = model.add_hatch().paths.add_edge_path()
        points = [(E + 100, N), (E + 100, N + 100), (E, N + 100)]
        path.add_spline(
            control_points=points, knot_values=[0, 0, 0, 1, 1, 1], weights=[1, math.sqrt(0.5), 1], degree=2
        )
        path.add_line((E, N + 100), (E, N))
        path.add_line((E, N), (E + 100, N))

    assert shapely.area(only(made(draw)).geometry) == pytest.approx(math.pi * 2500, abs=MM * 160)
