"""A reading on a terminal: how each file was read, its sites, what is odd, what else it could be."""

from __future__ import annotations

from collections.abc import Sequence

import shapely
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from linxi_gis.crs import Geometry
from linxi_gis.finding import Issue
from linxi_gis.intake.reading import Candidate, Reading
from linxi_gis.model import Reference, Site
from linxi_gis.units import KIND_WORDS, area_text, distance_text, plain

SEVERITIES = {"error": "错误", "warning": "警告", "info": "提示"}
_COLOURS = {"error": "bold red", "warning": "yellow", "info": "cyan"}
# A terminal is read at a glance; JSON and the map hold all.
SITES_SHOWN, ATTRIBUTED, ISSUES_SHOWN, NAMED = 40, 10, 40, 4
_SPECK = 1e-9


def render(reading: Reading, county: Geometry | None) -> RenderableType:
    """Return one reading for a terminal of 80 columns or more; `county` in EPSG:4490 degrees, or None."""
    sites = reading.sites
    parts: list[RenderableType] = [_file(reading), Text(), _sites(sites[:SITES_SHOWN], county)]
    if len(sites) > SITES_SHOWN:
        parts.append(Text(f"另有 {len(sites) - SITES_SHOWN} 个，见 --format json", style="dim"))
    attributes = _attributes(sites)
    if attributes is not None:
        parts += [Text(), attributes]
    told = tell(reading)
    if told:
        parts += [Text(), _issues(told)]
    for site in sites[:SITES_SHOWN]:
        if site.candidates:
            parts += [Text(), candidates(site.candidates, f"{site.name}：另一种读法（未采用）", county is not None)]
    return Group(*parts, Text())


def candidates(found: Sequence[Candidate], title: str, compared: bool) -> RenderableType:
    """Return readings to choose from as a table, the evidence under each."""
    table = _table("序", "读法", "中心", "面积", "县界")
    for number, one in enumerate(found, 1):
        words = Text(plain(one.label))
        if one.crs:
            words.append(f"\n--crs {plain(one.crs)}", style="bold")
        for sentence in one.evidence:
            words.append(f"\n· {plain(sentence)}", style="dim")
        area = area_text(one.area_m2) if one.area_m2 else ""
        table.add_row(str(number), words, _degrees(one.lon, one.lat), area, _county_words(one, compared))
    return Group(Text(plain(title), style="bold"), table)


def _county_words(one: Candidate, compared: bool) -> str:
    if one.in_county:
        return "在内"
    if not compared or one.distance_km is None:
        return "未比较"
    return f"在外 {one.distance_km:.1f} km"


def tell(reading: Reading) -> list[tuple[Issue, tuple[str, ...]]]:
    """Return every issue once, the gravest first, with the names of the sites that have it.

    Issues that differ only in their place are one.
    """
    names: dict[tuple[str, str, str], list[str]] = {}
    first: dict[tuple[str, str, str], Issue] = {}
    for issue in reading.issues:
        names.setdefault(_key(issue), [])
        first.setdefault(_key(issue), issue)
    for site in reading.sites:
        for key, issue in {_key(issue): issue for issue in site.issues}.items():
            names.setdefault(key, []).append(site.name)
            first.setdefault(key, issue)
    rank = list(SEVERITIES)
    keys = sorted(first, key=lambda key: rank.index(first[key].severity))
    return [(first[key], tuple(names[key])) for key in keys]


def _key(issue: Issue) -> tuple[str, str, str]:
    return issue.severity, issue.code, issue.text


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", expand=False)
    for name in columns:
        table.add_column(name, overflow="fold", no_wrap=name in _FIXED)
    return table


_FIXED = ("序", "图形", "中心", "面积", "大小", "级别")


def _file(reading: Reading) -> RenderableType:
    """The file, its format, and each way its coordinates were taken."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column(overflow="fold")
    count = f"{len(reading.sites)} 个地块"
    grid.add_row("文件", Text(plain(reading.source), style="bold"))
    grid.add_row("格式", plain(f"{reading.format}，{count}"))
    ways: dict[Reference, int] = {}
    for site in reading.sites:
        ways[site.reference] = ways.get(site.reference, 0) + 1
    for reference, used in ways.items():
        which = f"（{used} 个）" if len(ways) > 1 else ""
        grid.add_row("坐标系", plain(f"{reference.source}{which}：{_decided(reference)}"))
        grid.add_row("坐标轴", plain(reference.axes))
    for issue in _written(reading):
        grid.add_row("编码", plain(issue.text))
    return grid


def _decided(reference: Reference) -> str:
    return reference.how if reference.declared else f"{reference.how}（推定）"


def _written(reading: Reading) -> list[Issue]:
    """What was said of the file's encoding, each once."""
    every = [*reading.issues, *(issue for site in reading.sites for issue in site.issues)]
    return list({issue.text: issue for issue in every if issue.code.startswith("encoding")}.values())


def _sites(sites: Sequence[Site], county: Geometry | None) -> Table:
    table = _table("编号", "名称", "图形", "大小", "中心", "县界")
    for site in sites:
        centre = site.geometry.centroid
        table.add_row(
            plain(site.id), plain(site.name), _shape(site), _size(site), _degrees(centre.x, centre.y),
            where(site, county),
        )  # fmt: skip
    return table


def _shape(site: Site) -> str:
    return f"{KIND_WORDS[site.kind]}，{site.parts} 部分\n{shapely.get_num_coordinates(site.geometry)} 个坐标"


def _size(site: Site) -> str:
    lines = []
    if site.area_m2:
        lines = [f"椭球 {area_text(site.area_m2)}", f"平面 {area_text(site.planar_area_m2)}"]
    if site.declared_area_m2:
        lines.append(f"申报 {area_text(site.declared_area_m2)}")
    if site.length_m:
        lines.append(f"长 {distance_text(site.length_m)}")
    if site.width_m:
        lines.append(f"宽 {site.width_m:g} m")
    return "\n".join(lines)


def _degrees(lon: float, lat: float) -> str:
    return f"{lon:.5f}°E\n{lat:.5f}°N"


def where(site: Site, county: Geometry | None) -> str:
    """Return how a site lies to the county: 在内, 跨界, 在外, or 未比较 without an outline."""
    if county is None:
        return "未比较"
    if not shapely.intersects(county, site.geometry):
        return "在外"
    return "在内" if shapely.covers(county, site.geometry) else "跨界"


def _attributes(sites: Sequence[Site]) -> RenderableType | None:
    held = [site for site in sites if site.attributes]
    if not held:
        return None
    if len(held) > ATTRIBUTED:
        names = dict.fromkeys(key for site in held for key, _ in site.attributes)
        return Text(plain(f"属性列：{'、'.join(names)}（各地块的值见 --format json）"), style="dim")
    grid = Table.grid(padding=(0, 2))
    grid.add_column(overflow="fold")
    grid.add_column(overflow="fold")
    grid.add_row(Text("属性", style="bold"), "")
    for site in held:
        grid.add_row(plain(site.id), Text(plain("；".join(f"{k}={v}" for k, v in site.attributes)), style="dim"))
    return grid


def _issues(told: Sequence[tuple[Issue, tuple[str, ...]]]) -> RenderableType:
    table = _table("级别", "说明")
    for issue, names in told[:ISSUES_SHOWN]:
        words = Text(plain(issue.text))
        if names:
            words.append(f"（{plain(_listed(names))}）")
        if issue.remedy:
            words.append(f"\n→ {plain(issue.remedy)}", style="dim")
        place = "" if issue.geometry_wkt is None else f"，位置 {_spot(issue.geometry_wkt)}"
        words.append(f"\n{issue.code}{place}", style="dim")
        table.add_row(Text(SEVERITIES[issue.severity], style=_COLOURS[issue.severity]), words)
    if len(told) > ISSUES_SHOWN:
        table.add_row("", Text(f"另有 {len(told) - ISSUES_SHOWN} 条，见 --format json 或 --issues", style="dim"))
    return table


def _listed(names: Sequence[str]) -> str:
    more = f" 等 {len(names)} 个" if len(names) > NAMED else ""
    return "、".join(names[:NAMED]) + more


def _spot(text: str) -> str:
    place = shapely.from_wkt(text)
    point = place if place.geom_type == "Point" else shapely.point_on_surface(place)
    return "" if point.is_empty else f"{shapely.get_x(point):.6f}°E {shapely.get_y(point):.6f}°N"
