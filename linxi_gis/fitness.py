"""What the check-up said of layers, kept beside the catalogue: which versions are not to be judged by."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from linxi_gis import shelf
from linxi_gis.errors import CatalogError

FIT, RESERVED, UNFIT = "可用于研判", "有保留", "不可用"
SCORES = (FIT, RESERVED, UNFIT)
_FORMAT = "checkup-1"
_REMEDY = "请从备份恢复；没有备份的，删除这个文件，再对全部图层运行 linxi layers check --record"
_CHANGED = "文件此后变过，没有重新体检"
_TOLD = 3


@dataclass(frozen=True, slots=True)
class Score:
    """What a version of a layer came to: one of `SCORES`, and why.

    `sha256` and `sublayer` (`""`: the only one of its file) say which content; `on` is the day it was checked for, ISO 8601.
    """

    layer: str
    version: str
    sha256: str
    sublayer: str
    score: str
    reasons: tuple[str, ...]
    on: str

    def why(self) -> str:
        """Return the reasons as one sentence, the first three in full.

        >>> Score("redline", "1", "ab", "", UNFIT, ("整体偏移 20 m",), "2026-09-01").why()
        '体检（2026-09-01）为不可用：整体偏移 20 m'
        """
        more = "；等" if len(self.reasons) > _TOLD else ""
        return f"体检（{self.on}）为{self.score}：{'；'.join(self.reasons[:_TOLD])}{more}"


def path_of(catalog: Path) -> Path:
    """Return where the scores of a catalogue's layers are kept.

    >>> path_of(Path("catalog.toml")).name
    'catalog.checkup.json'
    """
    return catalog.with_name(f"{catalog.stem}.checkup.json")


def read(catalog: Path) -> tuple[Score, ...]:
    """Return the recorded scores, none where nothing was recorded.

    Raises CatalogError when the record is there and cannot be understood: it may be what keeps a layer out.
    """
    path = path_of(catalog)
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise CatalogError("体检记录打不开", where=str(path), remedy="请检查权限") from error
    except ValueError as error:
        raise CatalogError("体检记录不是有效的 JSON", where=str(path), remedy=_REMEDY) from error
    try:
        if said["format"] != _FORMAT or not isinstance(said["layers"], list):
            raise ValueError
        return tuple(_score(**one) for one in said["layers"])
    except (KeyError, TypeError, ValueError) as error:
        raise CatalogError("体检记录的内容不对", where=str(path), remedy=_REMEDY) from error


def _score(layer: str, version: str, sha256: str, sublayer: str, score: str, reasons: list[str], on: str) -> Score:
    texts = (layer, version, sha256, sublayer, on, *reasons)
    if score not in SCORES or not isinstance(reasons, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError
    return Score(layer, version, sha256, sublayer, score, tuple(reasons), on)


@dataclass(frozen=True, slots=True)
class Content:
    """A version of a layer by its names, whatever its bytes are."""

    layer: str
    version: str
    sublayer: str = ""


def unfit(scores: Iterable[Score], named: Content, sha256: str) -> Score | None:
    """Return the score that keeps a version with these bytes out, None when there is none.

    `scores` are in the order of their recording. The same bytes under another id are the same layer; sublayers differ
    where both are named. Where nothing was recorded of these bytes, the last score of the version holds: a file that
    was unfit and was changed since stays out until it is checked again.

    >>> bad = Score("redline", "1", "ab", "", UNFIT, ("整体偏移 20 m",), "2026-09-01")
    >>> unfit([bad], Content("renamed", "1"), "ab") is bad, unfit([bad], Content("redline", "2"), "cd")
    (True, None)
    >>> unfit([bad], Content("redline", "1"), "cd").reasons
    ('文件此后变过，没有重新体检', '整体偏移 20 m')
    """
    mine = [one for one in scores if one.sublayer == named.sublayer or not (one.sublayer and named.sublayer)]
    exact = [one for one in mine if one.sha256 == sha256]
    of_version = [one for one in mine if (one.layer, one.version) == (named.layer, named.version)]
    if exact:
        return exact[-1] if exact[-1].score == UNFIT else None
    if of_version and of_version[-1].score == UNFIT:
        return replace(of_version[-1], reasons=(_CHANGED, *of_version[-1].reasons))
    return None


def _key(one: Score) -> tuple[str, str, str]:
    return one.layer, one.sha256, one.sublayer


def record(catalog: Path, scores: Iterable[Score]) -> tuple[Score, ...]:
    """Keep scores, the last ones last, in place of those of the same layer and content; return all that are kept now.

    Raises CatalogError when the record cannot be read or written.
    """
    fresh = {_key(one): one for one in scores}
    rows = (*(one for one in read(catalog) if _key(one) not in fresh), *fresh.values())
    path = path_of(catalog)
    text = json.dumps({"format": _FORMAT, "layers": [asdict(one) for one in rows]}, ensure_ascii=False, indent=1)
    try:
        shelf.write_text(path, text + "\n")
    except OSError as error:
        raise CatalogError("体检记录写不出来", where=str(path), remedy="请检查权限") from error
    return rows
