"""Write what a run leaves behind: a file per site and format, and the summaries of the run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from xlsxwriter.exceptions import FileCreateError

from linxi_gis.cli.roof import Office
from linxi_gis.errors import UsageError
from linxi_gis.model import Assessment, Layer
from linxi_gis.report import extract, sheet
from linxi_gis.report.provisos import DISCLAIMER, STAMP

# Names Windows refuses, and characters no file system takes everywhere.
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f\s]+')
_RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)$", re.IGNORECASE)


def write(
    assessments: Sequence[Assessment], office: Office, folder: Path, formats: Sequence[str], day: date
) -> Iterator[Path]:
    """Write the run and yield every path written. Raises UsageError when one cannot be written."""
    path = folder
    try:
        for path, body in _files(assessments, office, folder, formats, day):
            if isinstance(body, str):
                path.write_text(body, encoding="utf-8", newline="\n")
            else:
                sheet.write(body, path)
            yield path
    except (OSError, FileCreateError) as error:
        raise UsageError(
            f"{path} 写不出来", remedy="请关闭正在打开它的程序（例如 Excel），或换一个 --out 目录"
        ) from error


def _files(
    assessments: Sequence[Assessment], office: Office, folder: Path, formats: Sequence[str], day: date
) -> Iterator[tuple[Path, str | Sequence[Assessment]]]:
    """Yield every path with its text, or with the assessments a workbook is made of."""
    folder.mkdir(parents=True, exist_ok=True)
    layers = [layer for layer in office.library.layers(day) if isinstance(layer, Layer)]
    for assessment, stem in zip(assessments, stems(assessments), strict=True):
        for name in formats:
            path = folder / f"{stem}.{name}"
            if name == "html":
                yield path, _page(assessment, layers, office, day)
            elif name == "xlsx":
                yield path, [assessment]
            else:
                body = extract.build(assessment) if name == "json" else feature(assessment)
                yield path, extract.canonical(body) + "\n"
    summary = {"type": "FeatureCollection", "features": [feature(one) for one in assessments]}
    yield folder / "summary.geojson", extract.canonical(summary) + "\n"
    yield folder / "summary.xlsx", assessments


def stems(assessments: Sequence[Assessment]) -> list[str]:
    """Return a file name stem for each assessment: its id made safe, all different."""
    used: set[str] = {"summary"}
    names = []
    for assessment in assessments:
        stem = _FORBIDDEN.sub("_", assessment.site.id).strip("._ ")[:80] or "site"
        if _RESERVED.match(stem):
            stem = f"_{stem}"
        name, number = stem, 1
        while name.lower() in used:
            number += 1
            name = f"{stem}-{number}"
        used.add(name.lower())
        names.append(name)
    return names


def feature(assessment: Assessment) -> dict[str, object]:
    """Return the site as a GeoJSON feature with its verdict, for other map programs."""
    site, overall = assessment.site, assessment.overall
    return {
        "type": "Feature",
        "id": site.id,
        "geometry": extract.geojson(site),
        "properties": {
            "id": site.id,
            "name": site.name,
            "结论": overall.label,
            "verdict": overall.verdict.name,
            "complete": overall.complete,
            "area_m2": round(site.area_m2, 4),
            "length_m": round(site.length_m, 4),
            "on": assessment.on.isoformat(),
            "命中图层": [layer.title for layer in assessment.layers if layer.status == "hit"],
            "未核查": list(overall.unchecked),
            "说明": STAMP if assessment.demonstration else DISCLAIMER,
        },
    }


def _page(assessment: Assessment, layers: Sequence[Layer], office: Office, day: date) -> str:
    import linxi_maps

    shown = [linxi_maps.map_layer(layer, near=assessment.site) for layer in layers]
    return linxi_maps.site_map(assessment, shown, outline=office.library.county_lonlat(day))

