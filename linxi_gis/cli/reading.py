"""What `linxi check` and `linxi read` share: one file to a reading, and the words of --limit."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from linxi_gis.errors import UsageError

if TYPE_CHECKING:
    from linxi_gis.intake.guard import Reader
    from linxi_gis.intake.reading import Limits, Options, Reading

LIMIT_HELP = (
    "放宽或收紧读取上限，可多次：vertices、features、file_bytes、unpacked_bytes、zip_entries、seconds；"
    "大小可写 500MB、2GB"
)
CRS_HELP = (
    "EPSG:编号、GCJ-02、BD-09、西安80、北京54 或 DMS（CGCS2000 度分秒连写，118.0327 即 118°03′27″）；"
    "文件自己说不清时必须写"
)
TRANSFORM_HELP = (
    "西安80、北京54 到 CGCS2000 的参数 dx,dy,dz[,rx,ry,rz,s]（米、角秒、ppm；布尔莎模型，坐标框架旋转，EPSG:9607）；"
    "负数开头时写成 --transform=-16.5,..."
)
_SIZES = {"KB": 1024, "MB": 1024**2, "GB": 1024**3}
_STDIN = "标准输入"


def read_site_file(name: str, options: Options, reader: Reader) -> Reading:
    """Return the reading of a file, or of standard input for "-".

    Open one `Reader` for a whole run: ``with Reader() as reader: read_site_file(name, options, reader)``.
    Raises as `intake.read`; a file that takes too long or crashes its child is an InputError.
    """
    if name != "-":
        return reader.read(Path(name), options)
    from linxi_gis.intake.encoding import decode

    pasted, guesses = decode(sys.stdin.buffer.read(), _STDIN)
    reading = reader.read_text(pasted, replace(options, source_name=_STDIN))
    return replace(reading, issues=(*guesses, *reading.issues))


def options_of(crs: str | None, transform: str | None, limits: Sequence[str]) -> Options:
    """Return what is said beside the files: --crs, --transform, --limit. Raises UsageError."""
    from linxi_gis.intake.reading import Options
    from linxi_gis.intake.transform import parse_transform

    parameters = None if transform is None else parse_transform(transform)
    return Options(crs=crs, limits=limits_of(limits), transform=parameters)


def limits_of(words: Sequence[str]) -> Limits:
    """Return the limits that --limit words name, the others as they are. Raises UsageError.

    >>> limits_of(["file_bytes=500MB", "seconds=30"]).file_bytes, limits_of(["seconds=30"]).seconds
    (524288000, 30.0)
    """
    from linxi_gis.intake.reading import Limits

    limits = Limits()
    for word in words:
        key, _, text = (part.strip() for part in word.partition("="))
        if key not in Limits.__dataclass_fields__:
            raise UsageError(
                f"--limit 没有 {key!r} 这一项", remedy=f"可用：{'、'.join(Limits.__dataclass_fields__)}"
            )
        value = _number(key, text)
        whole = {} if key == "seconds" else {key: int(value)}
        limits = replace(limits, **whole) if whole else replace(limits, seconds=value)
    return limits


def _number(key: str, text: str) -> float:
    bare, unit = text.upper().replace(" ", ""), 1
    for suffix, size in _SIZES.items():
        if key.endswith("_bytes") and bare.endswith(suffix):
            bare, unit = bare.removesuffix(suffix), size
    try:
        value = float(bare)
    except ValueError:
        value = 0.0
    if not 0.0 < value < 2**53:
        raise UsageError(f"--limit {key} 的值 {text!r} 不是正数", remedy=f"例如 --limit {_EXAMPLES[key]}")
    return value * unit


_EXAMPLES = {
    "vertices": "vertices=50000000",
    "features": "features=2000000",
    "file_bytes": "file_bytes=500MB",
    "unpacked_bytes": "unpacked_bytes=4GB",
    "zip_entries": "zip_entries=5000",
    "seconds": "seconds=300",
}
