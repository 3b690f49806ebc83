"""The API over a real server on loopback: the same answers as the command line, problems as RFC 9457."""

from __future__ import annotations

import json
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import shapely
import uvicorn
from yard import DAY, EAST, GK, HUNDRED, NORTH, RULES, entry, open_library, square, write_layer

from linxi_api import routes
from linxi_api.app import create_app
from linxi_gis import crs
from linxi_gis.assess import assess
from linxi_gis.intake import read_geojson
from linxi_gis.library import Library
from linxi_gis.report import extract

SCHEMA = jsonschema.Draft202012Validator(extract.schema())
COVER, NEAR = square(-50, -50, 200), square(5_102, 0, 50, 100)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    folder = tmp_path_factory.mktemp("county")
    overlapping = [square(9_000, 0, 60, 100), square(9_040, 0, 60, 100)]
    write_layer(folder / "redline.gpkg", [COVER, COVER, NEAR, *overlapping])
    return open_library(folder, [entry("redline", "ecological_redline", "redline.gpkg", sensitivity="内部")])


@contextmanager
def serving(library: Library) -> Iterator[httpx.Client]:
    """A client of a real server on loopback."""
    listening = socket.socket(proto=socket.IPPROTO_TCP)  # of another asyncio leaves Nagle's 40 ms on
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(library, RULES), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20.0
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.02)
    with httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=30.0) as connected:
        yield connected
    server.should_exit = True
    thread.join(10.0)
    listening.close()


@pytest.fixture(scope="module")
def client(library: Library) -> Iterator[httpx.Client]:
    with serving(library) as connected:
        yield connected


def feature(geometry: shapely.Geometry, name: str = "地块") -> dict[str, Any]:
    lonlat = shapely.to_geojson(crs.to_lonlat(geometry, GK))
    return {"type": "Feature", "id": name, "properties": {"name": name}, "geometry": json.loads(lonlat)}


def post(client: httpx.Client, drawn: shapely.Geometry, **params: str) -> dict[str, Any]:
    response = client.post("/v1/assessments", json=feature(drawn), params={"on": DAY.isoformat(), **params})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()["assessments"][0]
    SCHEMA.validate(body)
    return body


def test_the_survey_area_and_the_way_round_are_asked_for(client: httpx.Client) -> None:
    body = post(client, HUNDRED, area_method="survey", avoid="300")
    assert body["site"]["survey_area_m2"] == pytest.approx(body["site"]["area_m2"], rel=1e-6)
    assert body["avoidance"]["radius_m"] == 300.0 and "不构成拆分项目的建议" in body["avoidance"]["note"]
    assert not {"survey_area_m2"} & post(client, HUNDRED)["site"].keys()
    assert client.post("/v1/assessments", json=feature(HUNDRED), params={"avoid": "-1"}).status_code == 400


@pytest.mark.parametrize(
    ("x", "share", "status"),
    [
        pytest.param(0, 1.0, "hit", id="the same polygon stored twice"),
        pytest.param(9_000, 1.0, "hit", id="two overlapping polygons, 60 m + 60 m"),
        pytest.param(5_000, 0.0, "near", id="zone 2 m away"),
    ],
)
def test_rows_of_the_truth_table(client: httpx.Client, x: float, share: float, status: str) -> None:
    body = post(client, square(x, 0, 100))
    layer = body["layers"][0]
    assert layer["status"] == status
    assert layer["share_of_site"] == pytest.approx(share, abs=1e-6)
    if status == "near":
        assert layer["nearest"]["distance_m"] == pytest.approx(2.0, abs=1e-3)
        assert layer["nearest"]["bearing_deg"] == pytest.approx(90.0, abs=1.0)


def test_a_point_inside_is_inside(client: httpx.Client) -> None:
    body = post(client, shapely.Point(EAST + 50, NORTH + 50))
    assert body["findings"][0]["relation"] == "within"


def test_it_answers_as_the_core_does(client: httpx.Client, library: Library) -> None:
    over_http = post(client, HUNDRED)
    (read,) = read_geojson(feature(HUNDRED)).sites
    core = extract.build(assess([read], library, RULES, DAY)[0])
    assert over_http["verdict"] == core["verdict"]
    assert over_http["layers"][0]["sha256"] == core["layers"][0]["sha256"]
    rules = [(finding["zone_id"], finding["rule"], finding["verdict"]) for finding in core["findings"]]
    assert [(f["zone_id"], f["rule"], f["verdict"]) for f in over_http["findings"]] == rules


def test_project_attributes_decide(client: httpx.Client) -> None:
    body = {**feature(HUNDRED), "project": {"build": "新建", "is_development_or_production": "yes",
            "limited_activity_confirmed": "no", "national_major_project_confirmed": "no"}}  # fmt: skip
    answer = client.post("/v1/assessments", json=body, params={"on": DAY.isoformat()}).json()["assessments"][0]
    assert answer["verdict"]["code"] == "PROHIBITED"


def test_a_zipped_shapefile_can_be_uploaded(client: httpx.Client, tmp_path: Path) -> None:
    write_layer(tmp_path / "site.shp", [HUNDRED])
    archive = tmp_path / "site.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for part in tmp_path.glob("site.*"):
            if part.suffix != ".zip":
                packed.write(part, part.name)
    response = client.post(
        "/v1/assessments",
        files={"file": ("地块.zip", archive.read_bytes())},
        data={"project": json.dumps({"name": "测试"})},
        params={"on": DAY.isoformat()},
    )
    assert response.status_code == 200, response.text
    body = response.json()["assessments"][0]
    assert body["layers"][0]["share_of_site"] == pytest.approx(1.0)
    assert body["project"]["name"] == "测试"


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert {"type", "title", "status", "detail", "instance"} <= body.keys()
    assert body["status"] == status
    return body


def test_an_ambiguous_list_gets_its_candidates(client: httpx.Client, shared: Path) -> None:
    data = (shared / "samples" / "txt" / "htoooth_TEST1.txt").read_bytes()
    response = client.post("/v1/assessments", files={"file": ("TEST1.txt", data)})
    body = problem(response, 422)
    assert len(body["candidates"]) > 1
    assert "--crs" in body["remedy"]
    for candidate in body["candidates"]:
        assert candidate.keys() == SCHEMA.schema["$defs"]["candidate"]["properties"].keys()
        assert candidate["geometry"]["type"] == "Polygon" and candidate["evidence"]
        assert "km 内没有已知图斑" in candidate["evidence"][-1]


def test_old_coordinates_want_parameters(client: httpx.Client) -> None:
    rows = "西安80坐标系 3度带39带\nX,Y\n4829900,39580800\n4829900,39580850\n4829950,39580850"
    headers = {"content-type": "text/plain"}
    assert "--transform" in problem(client.post("/v1/assessments", content=rows, headers=headers), 422)["remedy"]
    answer = client.post("/v1/assessments", content=rows, headers=headers, params={"transform": "10,20,30"})
    (body,) = answer.json()["assessments"]
    assert "datum_transformed" in {issue["code"] for issue in body["site"]["issues"]}
    bad = client.post("/v1/assessments", content=rows, headers=headers, params={"transform": "1,2"})
    assert "3 个或 7 个" in problem(bad, 400)["detail"]


@pytest.mark.parametrize(
    ("content", "status", "told"),
    [
        (b"{", 422, "JSON"),
        (b"[1,2]", 422, "对象"),
        (b"\xff\xfe\x00", 422, "utf-16"),
        (b'{"project":{}', 400, "JSON"),
        (b'{"type":"Feature","properties":{},"geometry":null}', 422, ""),
        (b'{"type":"FeatureCollection","features":[]}', 422, ""),
        (b'{"type":"Point","coordinates":[118,43.6],"project":{"has_outfal":"no"}}', 400, "has_outfal"),
        (b'{"type":"Point","coordinates":[118,43.6],"project":7}', 400, "project"),
        (b'{"type":"Point","coordinates":[' + b"9" * 5000 + b',43.6]}', 422, "JSON"),
    ],
)
def test_bad_bodies_are_problems(client: httpx.Client, content: bytes, status: int, told: str) -> None:
    assert told in problem(client.post("/v1/assessments", content=content), status)["detail"]


def test_a_problem_has_the_code_of_the_command_line(client: httpx.Client) -> None:
    assert problem(client.post("/v1/assessments", content=b"{"), 422)["code"] == "file_unreadable"
    rows = "X,Y\n4829600,578200\n4829600,578400\n4829800,578400"
    asked = problem(client.post("/v1/readings", content=rows.encode(), headers={"content-type": "text/plain"}), 422)
    assert asked["code"] == "crs_ambiguous" and asked["candidates"] and "可能的读法" not in asked["detail"]


def test_a_project_says_each_thing_once(client: httpx.Client) -> None:
    """The last of two values would win in silence: 禁止 one day, 须论证 the other."""
    place = '"type":"Point","coordinates":[118,43.6]'
    for said in (
        '{"drills":"no","drills":"yes"}', '{"attributes":{"drills":true,"drills":false}}',
        '{"drills":true,"attributes":{"drills":false}}', '{"name":"a"},"project":{"drills":true}',
    ):  # fmt: skip
        response = client.post("/v1/assessments", content=f'{{{place},"project":{said}}}'.encode())
        assert response.status_code == 400 and "写了两次" in response.json()["detail"], said
        form = {"data": {"project": said}, "files": {"file": ("a.geojson", f"{{{place}}}".encode())}}
        if not said.endswith('"project":{"drills":true}'):
            assert client.post("/v1/assessments", **form).status_code == 400, said


def test_a_project_may_have_the_shape_of_its_file_and_null_is_unknown(client: httpx.Client) -> None:
    said = {"name": "甲", "coal_t_a": None, "industry": None, "attributes": {"drills": True, "has_outfall": None}}
    response = client.post("/v1/assessments", json={**feature(HUNDRED), "project": said})
    assert response.status_code == 200, response.text
    told = response.json()["assessments"][0]["project"]
    assert (told["name"], told["industry"], told.get("amounts", {})) == ("甲", "", {})
    assert told["attributes"] == {"drills": True}


def test_a_large_body_must_send_its_project_apart(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "_PROJECT_BYTES", 100)
    body = {**feature(HUNDRED), "project": {}}
    assert "multipart" in problem(client.post("/v1/assessments", json=body), 413)["detail"]
    assert client.post("/v1/assessments", json=feature(HUNDRED)).status_code == 200


def test_words_that_belong_in_the_address_are_not_taken_in_silence(client: httpx.Client) -> None:
    files = {"file": ("a.geojson", json.dumps(feature(HUNDRED)).encode())}
    refused = problem(client.post("/v1/assessments", files=files, data={"crs": "EPSG:4527", "width": "20"}), 400)
    assert "crs、width" in refused["detail"] and "?crs=" in refused["remedy"]


def test_the_schemas_are_published(client: httpx.Client) -> None:
    for name in ("assessment-1", "measurement-1", "reading-1"):
        assert client.get(f"/schemas/{name}.json").json()["$id"] == f"{name}.json"
    assert client.get("/schemas/passwd.json").status_code in (400, 404)


def test_half_a_character_in_a_name_is_no_crash(client: httpx.Client) -> None:
    body = json.dumps({**feature(HUNDRED), "project": {"name": "\ud800甲"}}).encode()
    response = client.post("/v1/assessments", content=body, params={"on": DAY.isoformat()})
    assert response.status_code == 200, response.text
    assert response.json()["assessments"][0]["project"]["name"] == "?甲"


def test_what_nobody_foresaw_is_a_problem_too(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    from linxi_api import routes

    def broken(*_: object) -> list[object]:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(routes, "assess", broken)
    transport = httpx.ASGITransport(create_app(library, RULES), raise_app_exceptions=False)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as asking:
            return await asking.post("/v1/assessments", json=feature(HUNDRED))

    assert "没有给出结论" in problem(asyncio.run(ask()), 500)["detail"]


def test_bad_parameters_and_places_are_problems(client: httpx.Client) -> None:
    body = feature(HUNDRED)
    problem(client.post("/v1/assessments", json=body, params={"on": "2026-13-01"}), 400)
    problem(client.post("/v1/assessments", json=body, params={"crs": "EPSG:4610"}), 422)
    problem(client.post("/v1/assessments", data={"x": "1"}, files={"other": ("a.txt", b"1")}), 400)
    problem(client.get("/nowhere"), 404)
    problem(client.delete("/healthz"), 405)


def test_layers_rules_health_and_schema(client: httpx.Client) -> None:
    layers = client.get("/v1/layers").json()["layers"]
    assert (layers[0]["id"], layers[0]["status"], layers[0]["zones"]) == ("redline", "usable", 5)
    assert layers[0]["sensitivity"] == "内部" and "sensitivity" not in layers[1]
    assert post(client, square(0, 0, 10))["layers"][0]["sensitivity"] == "内部"
    ids = {rule["id"] for rule in client.get("/v1/rules", params={"on": "2026-08-14"}).json()["rules"]}
    assert "WSP-002-OLD" in ids and "WSP-002" not in ids
    whole = client.get("/v1/rules/WSP-002").json()
    assert whole["full_text"]["articles"][0]["number"] == "第三百一十九条"
    assert "网箱养殖" in whole["full_text"]["articles"][0]["text"] and whole["earlier"] == ["WSP-002-OLD"]
    assert whole["penalty"]["full_text"]["articles"][0]["number"] == "第一千一百四十五条"
    problem(client.get("/v1/rules/WSP-999"), 404)
    health = client.get("/healthz").json()
    assert (health["status"], health["not_checked"]) == ("ok", 0)
    assert client.get("/schemas/assessment-1.json").json() == extract.schema()


def test_docs_need_nothing_from_elsewhere(client: httpx.Client) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    assert "http://" not in page.text and "https://" not in page.text
    for path in ("/static/swagger-ui-bundle.js", "/static/swagger-ui.css", "/openapi.json"):
        assert path in page.text
        assert client.get(path).status_code == 200


def test_docs_work_in_an_offline_browser(client: httpx.Client, browser_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    asked: list[str] = []
    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{client.base_url}/docs")
        page.get_by_text("研判地块").wait_for(timeout=15_000)
        browser.close()
    assert not errors
    assert all(url.startswith((str(client.base_url), "data:", "blob:")) for url in asked), asked


def test_requests_in_parallel_agree(client: httpx.Client) -> None:
    """Prepared geometries shared between threads crash GEOS (libgeos #825): ours are not shared."""
    from concurrent.futures import ThreadPoolExecutor

    sites = [square(37.0 * i, 0, 100) for i in range(24)]
    alone = [post(client, one)["digest"] for one in sites]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda one: post(client, one)["digest"], sites))
    assert together == alone
