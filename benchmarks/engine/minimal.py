"""The minimal geopandas script a person would write instead of `linxi check`: layers and a site in, JSON out.

Run: python minimal.py FOLDER SITE.geojson [whole|window]   (window: read only what lies within 2 km)
"""

import json
import sys
from pathlib import Path

import geopandas

PLANE = "+proj=laea +lon_0=118.05 +lat_0=43.75 +ellps=GRS80 +units=m"
RANGE_M = 2000.0

site = geopandas.read_file(sys.argv[2])
plane = site.to_crs(PLANE)
window = geopandas.GeoSeries(plane.buffer(RANGE_M), crs=PLANE).to_crs(site.crs) if sys.argv[3] == "window" else None
answer = {}
for path in sorted(Path(sys.argv[1]).glob("*.gpkg")):
    zones = geopandas.read_file(path, bbox=window).to_crs(PLANE)
    hits = plane.sjoin(zones, predicate="intersects")
    met = zones.loc[hits["index_right"]]
    near = plane.sjoin_nearest(zones, max_distance=RANGE_M, distance_col="metres")
    answer[path.stem] = {
        "zones": met["code"].tolist(),
        "area_m2": met.geometry.intersection(plane.geometry.iloc[0]).area.tolist(),
        "nearest_m": near["metres"].min() if len(near) else None,
    }
print(json.dumps(answer))
