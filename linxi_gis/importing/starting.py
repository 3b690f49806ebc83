"""Start a catalogue: a commented file in a folder of its own, which never overwrites anything."""

from __future__ import annotations

from pathlib import Path

from linxi_gis.errors import UsageError
from linxi_gis.themes import CLASS_TITLES, REQUIRED_THEMES, THEMES

_HEAD = """\
# 图层目录：有哪些图层，在哪里，哪个版本，怎样读它的列。路径相对本文件；写错的键会报错。
# 导入：linxi layers import 文件... --catalog 本文件   （自动写在最后，注释不动）
# 手写：去掉下面某一段的 # 并改成自己的文件。

[catalog]
title = "管控图层"
county = "150424"
demonstration = false
# statutory_area_km2 = 3933.0         # 统计（法定）面积，占比的分母之一
# statutory_area_source = "写明出处"
# clauses = "clauses.csv"             # 生态环境准入清单，由 linxi layers import --clauses 写入
# required_themes = ["ecological_redline"]   # 不写时为十个必备主题；必备图层未核查时总结论不会是“未命中”
"""
_FIRST = """\
# path = "{theme}.gpkg"                # GDAL 能读的矢量格式；容器内用 sublayer = "..."
# version = "2023"
# effective_from = 2023-01-01          # 几个版本可并列（同一 id），日期不得重叠；--on 选当日有效的
# effective_to = 2025-12-31            # 可不写
# status = "approved"                  # approved | draft | demonstration
# authority = "批准机关"
# document = "批准文号"
# sensitivity = "内部"                 # 公开 | 内部 | 不得导出
# accuracy_m = 5.0                     # 界线的点位精度；不写按 1 m 并说明
# range_m = 2000                       # 多远以内报距离
# coverage = "unknown"                 # county | 范围文件 | unknown（没有命中不等于没有）
# crs = "EPSG:4490"                    # 只在文件没有坐标系时写
# encoding = "GBK"                     # 只在自动识别不对时写
# columns = {{ id = "编号", name = "名称", class = "类别", grade = "级别", approval = "批准文号" }}
"""
_SHORT = """\
# path = "{theme}.gpkg"
# version = "2023"
# columns = {{ id = "编号", name = "名称"{cls} }}
"""
_IGNORE = "# 官方图层不进版本库。\n*\n"


def catalogue_text() -> str:
    """Return a catalogue without layers, each theme as a commented example."""
    parts = [_HEAD]
    for number, (theme, title) in enumerate(THEMES.items()):
        words = [(said, ours) for (of, ours), said in CLASS_TITLES.items() if of == theme]
        need = "（必备）" if theme in REQUIRED_THEMES else ""
        body = _FIRST if number == 0 else _SHORT
        cls = ', class = "类别"' if words else ""
        lines = f'# --- {title}{need}\n# [[layer]]\n# id = "{theme}"\n# theme = "{theme}"\n# title = "{title}"\n'
        lines += body.format(theme=theme, cls=cls)
        if words:
            pairs = ", ".join(f'"{said}" = "{ours}"' for said, ours in words)
            lines += f"# classes = {{ {pairs} }}\n"
        parts.append(lines)
    return "\n".join(parts)


def start(folder: Path) -> Path:
    """Write the catalogue of a folder and keep its layers out of git; return the catalogue.

    Raises UsageError when there is a catalogue already, or the folder cannot be written.
    """
    path = folder / "catalog.toml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(catalogue_text())
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text(_IGNORE, encoding="utf-8", newline="\n")
    except FileExistsError as error:
        raise UsageError(f"{path} 已经有了，没有改动", remedy="请换一个文件夹，或直接编辑它") from error
    except OSError as error:
        raise UsageError(f"{folder} 写不进去（{error.strerror}）", remedy="请检查路径和权限") from error
    return path
