"""A question about one layer, sheet or table stops the whole file: say what the rest of the file is like."""

from __future__ import annotations

from collections.abc import Sequence

from linxi_gis.errors import CrsError, InputError
from linxi_gis.intake.errors import AmbiguousCrsError
from linxi_gis.intake.reading import Draft, Options
from linxi_gis.intake.rulings import rule

_NAMED = 5


def with_rest(error: CrsError, draft: Draft, drafts: Sequence[Draft], options: Options) -> CrsError:
    """Return the error of one draft of several, telling which others could be read and which ask as well.

    The file is not read in part: a site without its other half would pass for the whole.
    """
    others = [other for other in drafts if other is not draft and other.drawn]
    fine = [other.source for other in others if _known(other, options)]
    asking = [other.source for other in others if other.source not in fine]
    words = [f"{_names(fine)}读得出"] if fine else []
    words += [f"{_names(asking)}也读不出"] if asking else []
    rest = (
        f"同一文件里{'，'.join(words) or '其余部分没有图形'}；为免缺了一部分还当作完整，整个文件都没有采用。"
        f"--crs 对全部内容生效，各部分坐标系不同的，请拆成单独的文件提交"
    )
    if isinstance(error, AmbiguousCrsError):
        why = f"{error.why}（{rest}）"
        return AmbiguousCrsError(why, where=error.where, candidates=error.candidates, county=error.county)
    return CrsError(f"{error.what}（{rest}）", where=error.where, remedy=error.remedy)


def _known(draft: Draft, options: Options) -> bool:
    """Whether the reference system of a draft is clear."""
    try:
        pairs, _ = rule(draft, options)
    except InputError:
        return False
    return bool(pairs)


def _names(sources: Sequence[str]) -> str:
    named = "、".join(f"“{source}”" for source in sources[:_NAMED])
    return named if len(sources) <= _NAMED else f"{named}等 {len(sources)} 处"
