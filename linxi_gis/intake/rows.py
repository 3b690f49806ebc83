"""Text to rows of cells: what separates them, and pairs that stand several to a line."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake.angles import Coordinate, read_coordinate
from linxi_gis.intake.court import examine, in_china
from linxi_gis.intake.words import normal_lines

_NOTE = re.compile(r"(?:注|说明|备注)\s*\d*\s*:")
# 1、118.05,43.61   （1）118.05 43.61   J1:118.05,43.61   1:118.05,43.61, but not 118:03:27
_LISTED = re.compile(
    r"^\(?(\d{1,4})\)?\s*(?:、|(?<=\))|\.(?=[ \t]))\s*(?=[\dEN东北])"
    r"|^([A-Za-z]{1,3}\d{1,4}|\d{1,4}(?=\s*:\s*\d{3}))\s*:\s*(?=[\dEN东北])"
)
_BRACKETED = re.compile(r"^\s*(?:(?:var|let|const)\s+)?(?:[A-Za-z_]\w*\s*[=:]\s*)?([\[(][\d\s.,;+\-eE\[\]()]*)$")
_POINT = re.compile(r"[\[(]([^\[\]()]*)[\])]")
# A single text line may hold a quoted cell that goes on below; more lines than this is a stray quote.
_MAX_JOINED = 50
_SAMPLE = 20
# Pairs in one line of text belong to one site: our choice, wider than any county.
_NEAR_DEG, _NEAR_M = 5.0, 500_000.0


class Line(NamedTuple):
    """One row of cells as found (a tuple, as Coordinate is). `breaks`: a blank row stood before it."""

    number: int
    cells: tuple[str, ...]
    breaks: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A cell with several coordinates in it: row and column from 0, and its text with the line breaks, what to call it."""

    row: int
    column: int
    text: str
    name: str


@dataclass(frozen=True, slots=True)
class Page:
    """One table: rows of cells from a text, a sheet or a document.

    `place` stands before row numbers in messages (工作表“坐标”); `preface` are words that stand above
    the table and outside it; `caption` is what the table may be called. `counted`: cells were numbers,
    not text, so that their last digit was never written. `lists` are cells that may hold a whole list of
    coordinates each.
    """

    lines: tuple[Line, ...]
    place: str = ""
    preface: str = ""
    caption: str = ""
    counted: bool = False
    told: tuple[Issue, ...] = ()
    lists: tuple[Listed, ...] = ()

    def at(self, number: int) -> str:
        """The words for a row in a message.

        >>> Page((), "工作表“坐标”").at(3), Page(()).at(3)
        ('工作表“坐标”第 3 行', '第 3 行')
        """
        return f"{self.place}第 {number} 行"


def readable(cells: Sequence[str]) -> bool:
    """Whether every cell spells a coordinate."""
    return all(read_coordinate(cell) is not None for cell in cells)


def plausible(pairs: Sequence[tuple[Coordinate, Coordinate]]) -> bool:
    """Whether pairs of figures can be coordinates in China, all in one order."""
    first, second = ([cell.value for cell in cells] for cells in zip(*pairs, strict=True))
    bounds = (min(first), min(second), max(first), max(second))
    shape = examine(bounds, None)
    if shape.kind == "degrees":
        return not shape.assumed and in_china(bounds, shape.east)
    return shape.kind != "unknown"


def of_text(text: str, source: str) -> Page:
    """Return the rows of a text; raises InputError naming a line that cannot be cut into cells."""
    bracketed = _BRACKETED.match(text)
    if bracketed:
        text = "\n".join(_POINT.findall(bracketed[1])) or text
    numbered = [(number, _without_end(line)) for number, line in normal_lines(text)]
    numbered = _without_list_marks(numbered)
    numbered = _one_per_line(numbered, source)
    numbered = _regrouped(numbered, source)
    separator = _separator([line for _, line in numbered])
    return Page(tuple(_lines(numbered, separator, source)))


def _without_end(line: str) -> str:
    """A line without the one semicolon that only ends it."""
    return line[:-1] if line[-1] == ";" and line.find(";") == len(line) - 1 and len(line) > 1 else line


def _lines(numbered: Sequence[tuple[int, str]], separator: str, source: str) -> list[Line]:
    lines: list[Line] = []
    last = upto = 0
    for index, (number, line) in enumerate(numbered):
        if number <= upto and upto > last:
            continue  # the rest of a quoted cell
        if _NOTE.match(line):
            cells = [line]
        elif separator == " ":
            cells = line.split()
        elif '"' in line and separator != "、":
            line, upto = _whole(numbered, index)
            cells = _cells(line, separator, number, source)
        else:
            cells = line.split(separator)
        held = tuple([cell.strip() for cell in cells]) if " " in line or '"' in line else tuple(cells)
        if len(held) == 1 and not _NOTE.match(line):
            held = _cut_otherwise(line) or held
        lines.append(Line(number, held, number > last + 1 and last > 0))
        last = max(number, upto)
    return lines


def _cut_otherwise(line: str) -> tuple[str, ...] | None:
    """A row of figures cut by another separator than its table's: it must not pass for a title."""
    cells = tuple(part for part in re.split(r"[,;、\t\s]+", line) if part)
    pair = [read_coordinate(cell) for cell in cells[-2:]]
    read = [one for one in pair if one is not None]
    return cells if len(read) == 2 and plausible([(read[0], read[1])]) else None


def _whole(numbered: Sequence[tuple[int, str]], index: int) -> tuple[str, int]:
    """A line, with the lines below it that its last quoted cell runs on into, and the last line's number."""
    number, line = numbered[index]
    if line.count('"') % 2 == 0 or not re.search(r'(?:^|[,;\t])\s*"[^"]*$', line):
        return line, number
    joined = line
    for following, more in numbered[index + 1 : index + _MAX_JOINED]:
        joined = f"{joined} {more}"
        if more.count('"') % 2:
            return joined, following
    return line, number


_LONG = 131_072  # the csv module's own limit, which is global to the process: not for us to raise
_QUOTED = re.compile(r'\s*"((?:[^"]|"")*)"\s*|([^,;\t]*)')


def _cells(line: str, separator: str, number: int, source: str) -> list[str]:
    if len(line) > _LONG and re.search(r'"(?:SRID|[A-Z]{5,18} ?(?:ZM?|M)? ?\()', line):
        return _long_cells(line, separator)
    try:
        return next(csv.reader([line], delimiter=separator, skipinitialspace=True))
    except csv.Error as error:  # a field longer than the csv module takes, a stray NUL or return
        raise InputError(
            f"第 {number} 行不能按表格分列（{'单元格过长' if 'limit' in str(error) else error}）",
            where=source,
            remedy="请检查该行的引号，或删去过长的文字",
        ) from error


def _long_cells(line: str, separator: str) -> list[str]:
    """Cut a line with a very long quoted cell, as a shape in WKT is."""
    cells: list[str] = []
    at = 0
    while at <= len(line) and (match := _QUOTED.match(line, at)):
        cells.append(match[1].replace('""', '"') if match[1] is not None else match[2])
        at = match.end() + 1
        if match.end() < len(line) and line[match.end()] != separator:
            break
    return cells


def _without_list_marks(lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Make "1、" or "J1：" before the figures a cell of its own, when every line of figures has it."""
    sample = [line for _, line in lines[:_SAMPLE] if re.search(r"\d", line)]
    if not sample or sum(_LISTED.match(line) is not None for line in sample) * 2 < len(sample):
        return lines
    return [(number, _LISTED.sub(_mark, line, count=1)) for number, line in lines]


def _mark(match: re.Match[str]) -> str:
    # A tab would be one more separator to choose from; the comma or blank of the line itself is not known yet.
    rest = match.string[match.end() :]
    return f"{match[1] or match[2]}{',' if ',' in rest else ';' if ';' in rest else ' '}"


def _one_per_line(lines: list[tuple[int, str]], source: str) -> list[tuple[int, str]]:
    """Put pasted "lon,lat; lon,lat; ..." on lines of their own; leave every other text alone."""
    for number, line in lines:
        _refuse_broken_list(number, line, source)
    if not any(len(_spread(line)) > 1 for _, line in lines[:_SAMPLE]):
        return lines
    spread = [(number, line, _spread(line)) for number, line in lines]
    _refuse_segments(spread, source)
    return [(number, piece) for number, _, pieces in spread for piece in pieces]


def _refuse_broken_list(number: int, line: str, source: str) -> None:
    """Raise InputError for a list of pairs on one line of which one cannot be read: cut at commas, it would be one point."""
    outer = next((mark for mark in (";", "|") if mark in line), "")
    if not outer or not re.search(r"[, ]", line) or _is_cells(line):
        return
    pieces = [piece.strip(" ,") for piece in line.split(outer) if piece.strip(" ,")]
    odd = [piece for piece in pieces if not _is_pair(piece)]
    read = len(pieces) - len(odd)
    if read == 1:
        odd = [piece for piece in odd if len(re.findall(r"[^,\s]*\d[^,\s]*\d[^,\s]*", piece)) > 1]
    if read and odd:
        what = f"第 {number} 行的一串坐标里有一处无法读懂：{odd[0][:60]!r}"
        raise InputError(what, where=source, remedy="请改正该处，或每行只写一对坐标")


def _is_pair(piece: str) -> bool:
    read = [read_coordinate(cell) for cell in re.split(r"[,\s]+", piece)[-2:]]
    both = [one for one in read if one is not None]
    return len(both) == 2 and plausible([(both[0], both[1])])


def _is_cells(line: str) -> bool:
    """Whether a line is a row of cells, one of which may hold a list of its own."""
    return "\t" in line or re.search(r'(?:^|[,;])\s*"', line) is not None


TWO_A_ROW = "每行有两对坐标"
TWO_REMEDY = (
    "是拐点的，请每行只写一对坐标；是线段的，请把起点、终点分成两行，并加“线路”列写明属于哪条线；"
    "并排两组的，请加表头（序号、经度、纬度、序号、经度、纬度）"
)


def _refuse_segments(spread: Sequence[tuple[int, str, list[str]]], source: str) -> None:
    """Raise InputError when every row is x1,y1,x2,y2: a line a row, a box a row, or corners going on from row to row.

    Pairs set apart from each other (118.0,43.6; 118.1,43.6) are a list, unless each row begins where the last ended.
    """
    rows: list[tuple[int, str, list[str]]] = []
    for number, line, pieces in spread:
        if len(pieces) > 2 or (len(pieces) == 1 and _cut_otherwise(line) is not None):
            return
        if len(pieces) == 2:
            rows.append((number, line, pieces))
    if len(rows) < 2:
        return
    flat = all(line.strip(" ,").count(",") in (0, 3) and not re.search("[;、|]", line) for _, line, _ in rows)
    chained = all(one[2][1] == two[2][0] for one, two in itertools.pairwise(rows))
    labelled = any(re.search(r"[EN东北经纬]", line) for _, line, _ in rows)
    if chained or (flat and not labelled):
        what = f"第 {rows[0][0]} 行起{TWO_A_ROW}（{rows[0][1][:60]}），看不出每行是一条线段，还是拐点接着写"
        raise InputError(what, where=source, remedy=TWO_REMEDY)


def _spread(line: str) -> list[str]:
    """The pairs of a line that holds several, each as a line; the line itself when it does not."""
    if _is_cells(line):
        return [line]
    for outer in (";", "、", "|"):
        if outer in line:
            pieces = [piece.strip(" ,\t") for piece in line.split(outer) if piece.strip(" ,\t")]
            pairs = [re.split(r"[,\s]+", piece) for piece in pieces]
            if len(pieces) > 1 and all(len(pair) > 1 and readable(pair[-2:]) for pair in pairs):
                return pieces
    if line.count(",") and re.search(r"\S\s+\S", line):
        for cut in (line.split(), line.split(",")):
            pairs = [[cell for cell in re.split(r"[,\s]+", piece) if cell] for piece in cut]
            if len(pairs) > 1 and _all_pairs(pairs):
                return [",".join(pair) for pair in pairs]
    flat = [cell for cell in re.split(r"[,\s]+", line) if cell]
    if len(flat) >= 4 and len(flat) % 2 == 0 and not sexagesimal(flat):
        pairs = [flat[i : i + 2] for i in range(0, len(flat), 2)]
        if _all_pairs(pairs):
            return [",".join(pair) for pair in pairs]
    return [line]


def _all_pairs(pairs: Sequence[Sequence[str]]) -> bool:
    """Whether all are pairs (a third figure, KML's height, aside) that are plausible in one order."""
    if {len(pair) for pair in pairs} not in ({2}, {3}):
        return False
    read = [(read_coordinate(pair[0]), read_coordinate(pair[1])) for pair in pairs]
    both = [(one, two) for one, two in read if one is not None and two is not None]
    if len(both) < len(pairs) or any(_whole_number(pair[0]) for pair in pairs if len(pair) == 3):
        return False
    return _together(both) and plausible(both)


def _together(pairs: Sequence[tuple[Coordinate, Coordinate]]) -> bool:
    """Whether pairs lie within a few hundred km: 3,118.05,43.6,80 is a number, a place and a depth, not two places."""
    for cells in zip(*pairs, strict=True):
        low, high = min(cell.value for cell in cells), max(cell.value for cell in cells)
        if high - low > (_NEAR_DEG if high <= 360.0 else _NEAR_M):
            return False
    return True


def _whole_number(cell: str) -> bool:
    return cell.isdigit() and len(cell) < 5


def sexagesimal(cells: Sequence[str]) -> int:
    """Return the parts of each of two coordinates that plain cells spell: 3 (°′″), 2 (°′) or 0.

    >>> sexagesimal(["118", "03", "27.05", "43", "36", "00"]), sexagesimal(["118", "3.45", "43", "36.5"])
    (3, 2)
    >>> sexagesimal(["118.1", "43.6", "118.2", "43.6"]), sexagesimal(["118", "43", "118", "44"])
    (0, 0)
    """
    parts = len(cells) // 2
    if parts not in (2, 3) or len(cells) != 2 * parts:
        return 0
    ranges = []
    for half in (cells[:parts], cells[parts:]):
        figures = [read_coordinate(cell) for cell in half]
        if not all(cell[:1].isdigit() for cell in half) or any(f is None or f.sexagesimal for f in figures):
            return 0
        values = [figure.value for figure in figures if figure is not None]
        if any(not cell.isdigit() for cell in half[:-1]) or max(values[1:]) >= 60.0:
            return 0
        ranges.append((73 <= values[0] <= 136, 3 <= values[0] <= 54))
    (east, north), (east2, north2) = ranges
    return parts if (east and north2) or (north and east2) else 0


def _separator(lines: Sequence[str]) -> str:
    for mark in ("\t", ",", ";", "、"):
        if 2 * sum(mark in line for line in lines) >= len(lines):
            return mark
    return " "


# --- thousands separators in a line that commas or blanks also cut ------------------------------------


def _regrouped(lines: list[tuple[int, str]], source: str) -> list[tuple[int, str]]:
    """Close up figures whose thousands are set apart by the very mark that separates the columns."""
    sample = [line for _, line in lines[:_SAMPLE] if len(_tokens(line)) >= 4 and '"' not in line]
    if not any(_GROUPS.search(line) for line in sample) or not any(_groupings(line) for line in sample):
        return lines
    closed: list[tuple[int, str]] = []
    for number, line in lines:
        found = _groupings(line)
        if len(found) > 1:
            raise InputError(
                f"第 {number} 行的千分位可以有 {len(found)} 种断法：{line[:60]!r}",
                where=source,
                remedy="请去掉数字里的千分位逗号或空格",
            )
        closed.append((number, ";".join(found[0]) if found else line.replace(",", ";")))
    return closed


_GROUPS = re.compile(r"(?<!\d)\d{1,3}[, ]\d{3}[, ]\d{3}(?!\d)")


def _tokens(line: str) -> list[str]:
    return [token for token in re.split(r"[,;\s]+", line.strip()) if token]


def _groupings(line: str) -> list[list[str]]:
    """Every way to read a line as (a name and) two coordinates in metres by closing up groups of three."""
    tokens = _tokens(line)
    found: list[list[str]] = []
    for lead in range(min(2, len(tokens))):
        body = tokens[lead:]
        if not 3 <= len(body) <= 8 or not all(re.fullmatch(r"\d{1,3}|\d{3}\.\d*", token) for token in body):
            continue
        for cut in range(1, len(body)):
            pair = [_closed(body[:cut]), _closed(body[cut:])]
            read = [read_coordinate(figure) for figure in pair]
            one, two = read
            if all(pair) and one and two and min(one.value, two.value) > 1e5 and plausible([(one, two)]):
                found.append([*tokens[:lead], *pair])
    return found


def _closed(groups: Sequence[str]) -> str:
    rest = groups[1:]
    if any(len(group.partition(".")[0]) != 3 for group in rest) or any("." in group for group in groups[:-1]):
        return ""
    return "".join(groups)
