"""Maps that open anywhere: one HTML file, no server, no network, nothing loaded from outside."""

from linxi_maps.checkup_page import checkup_map
from linxi_maps.county_page import county_map
from linxi_maps.diff_page import diff_map
from linxi_maps.indicator_page import indicator_map
from linxi_maps.layers import MapLayer, map_layer
from linxi_maps.ledger_page import ledger_map
from linxi_maps.site_page import site_map

__all__ = [
    "MapLayer", "checkup_map", "county_map", "diff_map", "indicator_map", "ledger_map", "map_layer", "site_map",
]  # fmt: skip
