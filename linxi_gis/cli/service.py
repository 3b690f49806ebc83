"""`linxi serve` and `linxi doctor`."""

from __future__ import annotations

import click

from linxi_gis.cli import reading as readings
from linxi_gis.cli import roof, words
from linxi_gis.errors import LinxiError, UsageError


@click.command(cls=words.Command)
@click.option("--catalog", metavar="C.toml", help=roof.CATALOG_HELP)
@click.option("--rules", "local", multiple=True, metavar="文件夹", help=roof.RULES_HELP)
@click.option("--host", default="127.0.0.1", show_default=True, metavar="地址", help="只在本机服务；对外服务请放在反向代理之后")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), metavar="端口", help="端口，0 为自动选择")
@click.option("--limit", "limits", multiple=True, metavar="项目=数值", help=readings.LIMIT_HELP)
def serve(catalog: str | None, local: tuple[str, ...], host: str, port: int, limits: tuple[str, ...]) -> None:
    """启动 HTTP 接口（/docs 有说明，离线可看）。"""
    import uvicorn

    from linxi_api.app import create_app

    bounds = readings.limits_of(limits)
    office = roof.open_office(catalog, local)
    roof.warm_engine(here=True)
    app = create_app(office.library, office.rulebook, bounds)
    click.echo(f"接口说明：http://{host}:{port}/docs  按 Ctrl+C 停止", err=True)
    try:
        uvicorn.run(app, host=host, port=port, log_level="info")
    except OSError as error:
        raise UsageError(f"端口 {port} 打不开（{error.strerror}）", remedy="换一个 --port") from error


@click.command(cls=words.Command)
@click.option("--catalog", metavar="C.toml", help=roof.CATALOG_HELP)
def doctor(catalog: str | None) -> int:
    """自检：用已知答案核对本机的坐标、面积、距离、读写、前端资源和图层。"""
    from linxi_gis import doctor as checks
    from linxi_maps import assets

    findings = [
        *checks.known_answers(),
        checks.check("前端资源（离线地图）", lambda: f"{len(assets.head()) // 1024} KB，全部内嵌"),
    ]
    try:
        office = roof.open_office(catalog)
    except LinxiError as error:
        findings.append(checks.Check("图层目录和规则包", False, str(error), error.remedy))
    else:
        findings += checks.holdings(office.library, office.rulebook, roof.day_of(None))
    for finding in findings:
        mark = "通过" if finding.ok else "不通过"
        click.echo(f"{mark}  {finding.name}：{finding.detail}")
        if not finding.ok and finding.remedy:
            click.echo(f"      {finding.remedy}")
    bad = sum(not finding.ok for finding in findings)
    click.echo(f"共 {len(findings)} 项，{bad} 项不通过" if bad else f"共 {len(findings)} 项，全部通过")
    return 4 if bad else 0

