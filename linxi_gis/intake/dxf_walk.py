"""Go through the model space of a drawing with its blocks opened: pieces, each with layer and origin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ezdxf.lldxf.const import DXFError

from linxi_gis.errors import InputError
from linxi_gis.intake.dxf_tags import MAX_NESTING
from linxi_gis.intake.reading import Limits
from linxi_gis.intake.xmlsafe import clean

if TYPE_CHECKING:
    from ezdxf.document import Drawing
    from ezdxf.entities.dxfentity import DXFEntity

# What the library raises on damaged entities: it trusts types and counts that a file need not keep.
BROKEN = (
    DXFError, ValueError, TypeError, LookupError, AttributeError, AssertionError, ArithmeticError, RecursionError,
    NotImplementedError,
)  # fmt: skip
_XREF = 4 | 8  # external reference, overlay
_BY_LAYER = 256


@dataclass(frozen=True, slots=True)
class Piece:
    """An entity where it lies in the drawing: its layer (a block's "0" is that of the insert), the
    blocks it came out of ("A/B"), its handle ("" in blocks), and the block's own attribute texts.
    """

    entity: DXFEntity
    layer: str
    block: str = ""
    handle: str = ""
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Walk:
    """A walk through one drawing; what could not be opened is counted here."""

    doc: Drawing
    source: str
    limits: Limits
    count: int = 0
    external: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def pieces(self) -> Iterator[Piece]:
        """Every entity of model space that is not an insert; raises InputError for too many."""
        for entity in self.doc.modelspace():
            layer = clean(str(entity.dxf.get("layer", "0")))
            yield from self._opened(Piece(entity, layer, handle=str(entity.dxf.get("handle") or "")), 0)

    def _opened(self, piece: Piece, depth: int) -> Iterator[Piece]:
        self.count += 1
        if self.count > self.limits.features:
            raise InputError(
                f"图元超过上限 {self.limits.features} 个（--limit features=）",
                where=self.source,
                remedy="请拆分文件或只提交项目范围",
            )
        if piece.entity.dxftype() != "INSERT":
            yield piece
            return
        if depth > MAX_NESTING:
            raise InputError(
                f"块嵌套超过 {MAX_NESTING} 层", where=self.source, remedy="请在 CAD 中分解块后提交"
            )
        insert: Any = piece.entity
        name = clean(str(insert.dxf.get("name", "")))
        block = insert.block()
        if block is None:
            self.broken.append(f"块“{name}”没有定义")
            return
        if block.block is not None and block.block.dxf.flags & _XREF:
            self.external[name] += 1
            return
        path = f"{piece.block}/{name}" if piece.block else name
        texts = tuple((clean(one.dxf.tag), clean(one.dxf.text)) for one in insert.attribs)
        tags = (*piece.tags, *(pair for pair in texts if all(pair)))
        try:
            for child in self._children(insert, name):
                layer = clean(str(child.dxf.get("layer", "0")))
                layer = piece.layer if layer == "0" else layer
                yield from self._opened(Piece(child, layer, path, piece.handle, tags), depth + 1)
        except BROKEN as error:
            self.broken.append(f"块“{name}”无法展开（{clean(str(error))[:80]}）")

    def _children(self, insert: Any, name: str) -> Iterator[DXFEntity]:
        """The block's entities where the insert puts them, for each row and column of the insert."""
        skipped: list[str] = []
        for one in insert.multi_insert() if insert.mcount > 1 else (insert,):
            yield from one.virtual_entities(skipped_entity_callback=lambda e, _: skipped.append(e.dxftype()))
        if skipped:
            self.broken.append(
                f"块“{name}”里有 {len(skipped)} 个图元无法展开（{'、'.join(sorted(set(skipped)))}）"
            )


def attributes_of(piece: Piece) -> tuple[tuple[str, str], ...]:
    """Return what a drawing says of a piece beside its geometry, as text pairs."""
    held: Any = piece.entity
    pairs = [("图层", piece.layer), ("图元", held.dxftype())]
    colour = held.dxf.get("true_color")
    index = held.dxf.get("color", _BY_LAYER)
    pairs.append(("颜色", f"#{colour & 0xFFFFFF:06X}" if colour is not None else _colour(index)))
    pairs.append(("线型", clean(str(held.dxf.get("linetype", "")))))
    pairs.append(("句柄", piece.handle))
    pairs.append(("块", piece.block))
    if held.xdata is not None:
        for name, tags in held.xdata.data.items():
            texts = [clean(str(tag.value)) for tag in tags if tag.code == 1000]
            pairs += [(f"扩展数据 {clean(str(name))}", text) for text in texts if text]
    return tuple(pair for pair in (*pairs, *piece.tags) if pair[1])


def _colour(index: int) -> str:
    return {_BY_LAYER: "随层", 0: "随块"}.get(index, str(index))
