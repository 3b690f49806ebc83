"""Data that comes with the tool: the rule pack and the demonstration county, as paths."""

from __future__ import annotations

from pathlib import Path

__all__ = ["aliases_file", "defects_catalog", "demo_catalog", "demo_outline", "industry_file", "plan_file", "rules_dir"]

_HERE = Path(__file__).parent


def demo_catalog() -> Path:
    """Return the catalogue of the demonstration county (示意, without legal force)."""
    return _HERE / "demo" / "catalog.toml"


def defects_catalog() -> Path:
    """Return the catalogue of the county with a planted defect of each kind (示意, without legal force)."""
    return _HERE / "demo_defects" / "catalog.toml"


def demo_outline() -> Path:
    """Return the county outline (GeoJSON, longitude latitude) the demonstration is drawn on."""
    return _HERE / "demo" / "outline.geojson"


def rules_dir() -> Path:
    """Return the folder of the rule pack."""
    return _HERE / "rules"


def plan_file() -> Path:
    """Return the county plan's area ratios, to compare computed ones with."""
    return _HERE / "plan.toml"


def industry_file() -> Path:
    """Return the table of GB/T 4754-2017: codes and names of industries."""
    return _HERE / "industry_gbt4754_2017.tsv"


def aliases_file() -> Path:
    """Return the table of field names that official packages are recognised by."""
    return _HERE / "aliases.toml"
