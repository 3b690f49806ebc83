"""What may stand in an address after the question mark, said once for all routes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import Query

OnQuery = Annotated[date | None, Query(description="研判日期，默认今天；按当日有效的图层和条文")]
CrsQuery = Annotated[
    str | None, Query(description="EPSG:编号、GCJ-02、BD-09、西安80、北京54 或 DMS（度分秒连写）；文件自己说不清时必须给")
]
TransformQuery = Annotated[
    str | None,
    Query(
        description="西安80、北京54 到 CGCS2000 的参数 dx,dy,dz[,rx,ry,rz,s]"
        "（米、角秒、ppm；布尔莎模型，坐标框架旋转，EPSG:9607）"
    ),
]
WidthQuery = Annotated[float | None, Query(gt=0, description="线路走廊总宽度（米）")]
MethodQuery = Annotated[
    Literal["geodesic", "survey"], Query(description="survey：椭球面积旁再列图斑椭球面积（国土调查公式）")
]
AvoidQuery = Annotated[
    float | None, Query(gt=0, le=20_000, description="避开禁止类图斑的设想：平移的搜索半径（米）；只供参考")
]


def today() -> date:
    """Return the day a request that names none is judged on."""
    return datetime.now().date()
