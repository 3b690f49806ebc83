"""Write the drawn examples (示意): a KML, a DXF without its zone, an Excel sheet, a table of stations.

Run: python examples/make_samples.py [FOLDER]   (default: the folder of this script)
The figures are invented; they lie in the demonstration layers of 林西县. Needs ezdxf and xlsxwriter, which
linxi_gis brings along.
"""

from __future__ import annotations

import sys
from pathlib import Path

import ezdxf
import pyproj
import xlsxwriter

# Corners in metres from the first one, east and north.
YARD = ((0.0, 0.0), (210.0, 25.0), (255.0, 190.0), (120.0, 260.0), (-30.0, 170.0))
KML_AT = (117.9620, 43.6650)
DXF_AT = (117.9012, 43.7421)
SHEET_AT = (117.8625, 43.7783)
ROUTE = ((0.0, 0.0), (180.0, -95.0), (360.0, -170.0), (560.0, -215.0))
ROUTE_AT = (117.9243, 43.7018)
HALF_WIDTH_M = 10.0

_PLANE = pyproj.Transformer.from_crs("EPSG:4490", "EPSG:4527", always_xy=True)

Ring = list[tuple[float, float]]


def placed(offsets: tuple[tuple[float, float], ...], at: tuple[float, float]) -> Ring:
    """Return offsets from a place (degrees) as metres of EPSG:4527, east and north, to the millimetre."""
    east, north = _PLANE.transform(*at)
    return [(round(east + x, 3), round(north + y, 3)) for x, y in offsets]


def write_kml(path: Path) -> None:
    """A polygon in degrees that name no datum but KML's own WGS84."""
    inverse = _PLANE.transform
    corners = [inverse(*xy, direction="INVERSE") for xy in placed((*YARD, YARD[0]), KML_AT)]
    rows = " ".join(f"{lon:.8f},{lat:.8f},0" for lon, lat in corners)
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>示意</name>\n'
        "<Placemark><name>城东养殖场（示意）</name>\n"
        '<ExtendedData><Data name="说明"><value>示意数据，名称与坐标均为虚构</value></Data></ExtendedData>\n'
        f"<Polygon><outerBoundaryIs><LinearRing><coordinates>{rows}</coordinates></LinearRing>"
        "</outerBoundaryIs></Polygon></Placemark>\n</Document></kml>\n",
        encoding="utf-8", newline="\n",
    )  # fmt: skip


def write_dxf(path: Path) -> None:
    """A closed outline whose eastings have no zone number: a question with several answers."""
    document = ezdxf.new("R2010")
    document.layers.add("用地红线")
    ring = [(east - 39e6, north) for east, north in placed(YARD, DXF_AT)]
    space = document.modelspace()
    space.add_lwpolyline(ring, close=True, dxfattribs={"layer": "用地红线"})
    words = space.add_text("选矿厂（示意）", height=8.0, dxfattribs={"layer": "用地红线"})
    words.set_placement((sum(x for x, _ in ring) / len(ring), sum(y for _, y in ring) / len(ring)))
    document.saveas(path)


def write_sheet(path: Path) -> None:
    """A title, two rows of headings with merged cells, figures, a note; a second sheet of words."""
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("拐点坐标")
    sheet.merge_range(0, 0, 0, 2, "排土场拐点坐标表（示意，2000国家大地坐标系，3度带39带）")
    sheet.merge_range(1, 0, 2, 0, "点号")
    sheet.merge_range(1, 1, 1, 2, "直角坐标（m）")
    sheet.write_row(2, 1, ("X", "Y"))
    for row, (east, north) in enumerate(placed(YARD, SHEET_AT), 1):
        sheet.write_row(row + 2, 0, (f"J{row}", f"{north:.3f}", f"{east:.3f}"))
    sheet.write(len(YARD) + 3, 0, "注：示意数据，坐标为虚构")
    book.add_worksheet("说明").write(0, 0, "示意数据，无法律效力")
    book.close()


def write_stations(path: Path) -> None:
    """Stations of an access road with the coordinates of its left and right edges."""
    axis = placed(ROUTE, ROUTE_AT)
    lines = ["桩号,左侧X,左侧Y,右侧X,右侧Y"]
    run = 0.0
    for n, (east, north) in enumerate(axis):
        before, after = axis[max(n - 1, 0)], axis[min(n + 1, len(axis) - 1)]
        run += 0.0 if n == 0 else ((east - before[0]) ** 2 + (north - before[1]) ** 2) ** 0.5
        along = (after[0] - before[0], after[1] - before[1])
        scale = HALF_WIDTH_M / (along[0] ** 2 + along[1] ** 2) ** 0.5
        aside = (-along[1] * scale, along[0] * scale)
        lines.append(
            f"K{int(run // 1000)}+{run % 1000:07.3f},{north + aside[1]:.3f},{east + aside[0]:.3f},"
            f"{north - aside[1]:.3f},{east - aside[0]:.3f}"
        )
    title = "进场道路（示意）左右边线坐标，2000国家大地坐标系，3度带39带"
    path.write_text("\n".join((title, *lines)) + "\n", encoding="utf-8", newline="\n")


def main(folder: Path) -> None:
    """Write the four files."""
    write_kml(folder / "farm.kml")
    write_dxf(folder / "no_zone.dxf")
    write_sheet(folder / "corners.xlsx")
    write_stations(folder / "stations.csv")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent)
