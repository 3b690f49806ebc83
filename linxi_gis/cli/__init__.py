"""The command line: `linxi ...`. Machine output on stdout, progress and complaints on stderr.

Exit codes: 0 done, whatever the verdict; 1 only with --fail-on; 2 usage; 3 an input could not be
read; 4 nothing could be checked, or the rule pack does not prove itself.
"""

from __future__ import annotations

import gc
import sys

import click

from linxi_gis import __version__
from linxi_gis.cli import (
    check,
    checkup,
    clauses,
    county,
    indicators,
    industry,
    layerdiff,
    layerimport,
    layermeta,
    read,
    rules,
    screen,
    service,
    words,
)


@click.group(cls=words.Group, context_settings={"max_content_width": 100})
@click.version_option(__version__, "--version", prog_name="linxi", message="%(prog)s %(version)s", help="显示版本")
def linxi() -> None:
    """林西县建设项目选址研判：地块能不能落在这里？结论为初步研判，不替代主管部门认定。"""


for command in (
    check.check, read.read, screen.screen, county.layers, indicators.indicators, county.map_, rules.rules,
    industry.industry, service.serve, service.doctor,
):  # fmt: skip
    linxi.add_command(command)
county.layers.add_command(clauses.layers_import)
county.layers.add_command(layerimport.layers_init)
county.layers.add_command(layerdiff.layers_diff)
county.layers.add_command(checkup.layers_check)
county.layers.add_command(layermeta.layers_metadata)

# New objects before a look for garbage: a short run makes some 100,000, none of it garbage, and each look takes ms.
_GARBAGE = 20_000


def main() -> None:
    """Run the command line; every error a person can act on ends as one Chinese sentence."""
    gc.set_threshold(_GARBAGE)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace", newline="\n")
    sys.exit(words.run(linxi))
