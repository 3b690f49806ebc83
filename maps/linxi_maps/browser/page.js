// What a page does beyond drawing: Chinese tool texts, popups, search, graticule, small map, legend, export.
// Every text in the data is HTML already (see escape.py); linxi.plain turns it back where plain text is wanted.
(function () {
  "use strict";

  var linxi = (window.linxi = {});

  linxi.plain = function (html) {
    var area = document.createElement("textarea");
    area.innerHTML = html;
    return area.value;
  };

  linxi.degrees = function (value) {
    return value.toFixed(6) + "°";
  };

  // Bound to every feature: popup on click, name on hover or as a lasting label.
  linxi.each = function (feature, layer) {
    var about = feature.properties;
    if (about.popup) layer.bindPopup(about.popup, { maxWidth: 360, minWidth: 240, maxHeight: 420 });
    if (about.label) {
      var point = Boolean(layer.getLatLng);
      var kind = about.labelClass || "lx-label";
      layer.bindTooltip(about.label, {
        permanent: true, className: kind, interactive: false, offset: point && kind === "lx-label" ? [7, 0] : [0, 0],
        direction: kind === "lx-distance" ? "top" : point && kind === "lx-label" ? "right" : "center",
      });
    } else if (about.name) {
      layer.bindTooltip(about.name, { sticky: true, className: "lx-hover" });
    }
  };

  // ---- labels: the first come stays, what would cover it waits for a closer view
  function rank(label) {
    return ["lx-distance", "lx-zone", "lx-label", "lx-place"].findIndex(function (kind) {
      return label.classList.contains(kind);
    });
  }

  // Below this zoom villages have no names: a county of them covers its towns.
  var PLACES_FROM = 11;

  function declutter(map) {
    var kept = [];
    var labels = map.getPanes().tooltipPane.querySelectorAll(".lx-distance, .lx-zone, .lx-label, .lx-place");
    var far = map.getZoom() < PLACES_FROM;
    Array.prototype.slice.call(labels).sort(function (a, b) {
      return rank(a) - rank(b);
    }).forEach(function (label) {
      label.style.visibility = "";
      var box = label.getBoundingClientRect();
      var covered = (far && label.classList.contains("lx-place")) || kept.some(function (other) {
        return box.left < other.right && box.right > other.left && box.top < other.bottom && box.bottom > other.top;
      });
      if (covered) label.style.visibility = "hidden";
      else kept.push(box);
    });
  }

  // ---- graticule: round steps of degrees and minutes, labelled along the top and right edge
  var STEPS = [1, 0.5, 1 / 3, 1 / 6, 1 / 12, 1 / 30, 1 / 60, 1 / 120, 1 / 240, 1 / 600];

  function angle(value) {
    var seconds = Math.round(value * 3600);
    var minutes = Math.floor(seconds / 60) % 60;
    var text = Math.floor(seconds / 3600) + "°" + ("0" + minutes).slice(-2) + "′";
    return seconds % 60 ? text + ("0" + (seconds % 60)).slice(-2) + "″" : text;
  }

  function graticule(map) {
    var group = L.layerGroup().addTo(map);
    function line(from, to) {
      group.addLayer(L.polyline([from, to], { pane: "lx-graticule", color: "#9aa5ad", weight: 0.6, interactive: false }));
    }
    function word(at, text, kind) {
      var icon = L.divIcon({ className: "lx-angle lx-angle-" + kind, html: "<span>" + text + "</span>", iconSize: null });
      group.addLayer(L.marker(at, { icon: icon, interactive: false, keyboard: false, pane: "lx-graticule" }));
    }
    function draw() {
      var view = map.getBounds();
      var width = view.getEast() - view.getWest();
      var step = STEPS.filter(function (s) { return width / s <= 9; }).pop() || STEPS[0];
      var size = map.getSize();
      var right = map.containerPointToLatLng([size.x, 0]).lng;
      var top = map.containerPointToLatLng([0, 0]).lat;
      group.clearLayers();
      for (var i = Math.ceil(view.getWest() / step); i * step < view.getEast(); i++) {
        line([view.getSouth(), i * step], [view.getNorth(), i * step]);
        var x = map.latLngToContainerPoint([top, i * step]).x;
        if (x > 90 && x < size.x - 90) word([top, i * step], angle(i * step), "top");
      }
      for (var j = Math.ceil(view.getSouth() / step); j * step < view.getNorth(); j++) {
        line([j * step, view.getWest()], [j * step, view.getEast()]);
        var y = map.latLngToContainerPoint([j * step, right]).y;
        if (y > 70 && y < size.y - 160) word([j * step, right], angle(j * step), "right");
      }
    }
    map.on("moveend resize", draw);
    draw();
  }

  // ---- search by zone name
  function search(map, layers) {
    var records = {};
    layers.forEach(function (layer) {
      layer.eachLayer(function (zone) {
        var about = zone.feature && zone.feature.properties;
        if (!about || !about.search) return;
        var title = linxi.plain(about.search);
        for (var n = 2; Object.prototype.hasOwnProperty.call(records, title); n++) {
          title = linxi.plain(about.search) + " " + n;
        }
        var at = zone.getBounds ? zone.getBounds().getCenter() : zone.getLatLng();
        records[title] = L.latLng(at.lat, at.lng);
        records[title].layer = zone;
        records[title].owner = layer;
      });
    });
    var control = new L.Control.Search({
      position: "topleft", initial: false, marker: false, autoType: false, tooltipLimit: 12, delayType: 150,
      firstTipSubmit: true, textErr: "没有这个名称", textCancel: "清除", textPlaceholder: "查找图斑名称",
      sourceData: function (text, answer) { answer(records); return {}; },
      formatData: function (data) { return data; },
      filterData: function (text, data) {
        var found = {};
        var wanted = text.trim().toLowerCase();
        Object.keys(data).forEach(function (title) {
          if (wanted && title.toLowerCase().indexOf(wanted) >= 0) found[title] = data[title];
        });
        return found;
      },
      buildTip: function (text) {
        var tip = document.createElement("li");
        tip.className = "search-tip";
        tip.textContent = text;
        return tip;
      },
      moveToLocation: function (at) {
        if (!map.hasLayer(at.owner)) map.addLayer(at.owner);
        if (at.layer.getBounds) map.fitBounds(at.layer.getBounds(), { maxZoom: 15, padding: [60, 60] });
        else map.setView(at, 14);
        at.layer.openPopup(at);
      },
    });
    map.addControl(control);
    control._button.title = "查找图斑名称";
    // Text pasted, spoken or composed by an input method comes without the keys the plugin listens to.
    L.DomEvent.on(control._input, "input", function () { control._handleKeypress({ keyCode: 0 }); });
    linxi.search = control;
  }

  // ---- small map: the outline only
  function smallMap(map, outline, centre) {
    if (!outline) return;
    var group = L.layerGroup([
      L.geoJSON(outline.toGeoJSON(), {
        interactive: false, style: { color: "#4d4d4d", weight: 1.2, fillColor: "#ffffff", fillOpacity: 1 },
      }),
    ]);
    if (centre) {
      group.addLayer(L.circleMarker(centre, {
        radius: 3, color: "#c81e1e", fillColor: "#c81e1e", fillOpacity: 1, interactive: false,
      }));
    }
    new L.Control.MiniMap(group, {
      position: "bottomright", width: 130, height: 130, zoomLevelFixed: 7, toggleDisplay: true,
      centerFixed: outline.getBounds().getCenter(),
      aimingRectOptions: { color: "#c81e1e", weight: 1.5, fillOpacity: 0, interactive: false },
      shadowRectOptions: { color: "#000000", weight: 1, interactive: false, opacity: 0, fillOpacity: 0 },
      strings: { hideText: "收起位置图", showText: "显示位置图" },
      mapOptions: { attributionControl: false, zoomSnap: 0 },
    }).addTo(map);
  }

  // ---- the legend tells which layers are switched off
  function legend(map, layers) {
    function mark() {
      layers.forEach(function (layer, number) {
        var rows = document.querySelectorAll('[data-layer="' + number + '"]');
        var off = !map.hasLayer(layer);
        Array.prototype.forEach.call(rows, function (row) { row.classList.toggle("lx-off", off); });
      });
      declutter(map);
    }
    map.on("layeradd layerremove", function (event) {
      if (layers.indexOf(event.layer) >= 0) mark();
    });
    mark();
  }

  // ---- drawn shapes leave as GeoJSON, ready to be assessed
  linxi.exporter = function (map, drawn) {
    var Button = L.Control.extend({
      options: { position: "topleft" },
      onAdd: function () {
        var bar = L.DomUtil.create("div", "leaflet-bar lx-export");
        var link = L.DomUtil.create("a", "", bar);
        link.href = "#";
        link.title = "把绘制的图形存为 GeoJSON 文件（EPSG:4490 经纬度），再用 linxi check 研判";
        link.textContent = "存";
        L.DomEvent.disableClickPropagation(bar);
        L.DomEvent.on(link, "click", function (event) {
          L.DomEvent.preventDefault(event);
          if (!drawn.getLayers().length) { window.alert("还没有绘制图形"); return; }
          var blob = new Blob([JSON.stringify(drawn.toGeoJSON(9))], { type: "application/geo+json" });
          var save = document.createElement("a");
          save.href = URL.createObjectURL(blob);
          save.download = "绘制图形.geojson";
          save.click();
          URL.revokeObjectURL(save.href);
        });
        return bar;
      },
    });
    map.addControl(new Button());
  };

  // ---- the page is ready: called once by the page's last script
  linxi.start = function (map, options) {
    linxi.map = map;
    L.control.scale({ imperial: false, maxWidth: 160, position: "bottomleft" }).addTo(map);
    graticule(map);
    search(map, options.layers);
    smallMap(map, options.outline, options.centre);
    legend(map, options.layers);
    map.on("zoomend moveend", function () { declutter(map); });
    declutter(map);
    Array.prototype.forEach.call(document.querySelectorAll(".leaflet-control-layers-toggle"), function (link) {
      link.title = "图层开关";
    });
    var zoom = map.zoomControl && map.zoomControl.getContainer();
    if (zoom) {
      zoom.querySelector(".leaflet-control-zoom-in").title = "放大";
      zoom.querySelector(".leaflet-control-zoom-out").title = "缩小";
    }
    Array.prototype.forEach.call(document.querySelectorAll("[data-zoom]"), function (row) {
      row.addEventListener("click", function () {
        var box = row.getAttribute("data-zoom").split(",").map(Number);
        map.fitBounds([[box[1], box[0]], [box[3], box[2]]], { maxZoom: 16, padding: [40, 40] });
      });
    });
    var view = map.getBounds();
    window.addEventListener("beforeprint", function () { view = map.getBounds(); });
    window.matchMedia("print").addEventListener("change", function () {
      map.invalidateSize({ animate: false });
      map.fitBounds(view, { animate: false });
    });
  };

  // ---- Chinese texts of the drawing tools; they are read when the tool is made, so they come first
  L.drawLocal = {
    draw: {
      toolbar: {
        actions: { title: "取消绘制", text: "取消" },
        finish: { title: "完成绘制", text: "完成" },
        undo: { title: "删除最后一点", text: "删除最后一点" },
        buttons: {
          polyline: "绘制线路", polygon: "绘制地块", rectangle: "绘制矩形", circle: "绘制圆",
          marker: "标注点位", circlemarker: "标注圆点",
        },
      },
      handlers: {
        circle: { tooltip: { start: "按住拖动绘制圆" }, radius: "半径" },
        circlemarker: { tooltip: { start: "点击放置圆点" } },
        marker: { tooltip: { start: "点击放置点位" } },
        polygon: { tooltip: { start: "点击开始绘制地块", cont: "点击继续", end: "点击第一点闭合" } },
        polyline: {
          error: "<strong>出错：</strong>线条不能自相交",
          tooltip: { start: "点击开始绘制线路", cont: "点击继续", end: "点击最后一点结束" },
        },
        rectangle: { tooltip: { start: "按住拖动绘制矩形" } },
        simpleshape: { tooltip: { end: "松开鼠标完成" } },
      },
    },
    edit: {
      toolbar: {
        actions: {
          save: { title: "保存修改", text: "保存" },
          cancel: { title: "放弃全部修改", text: "放弃" },
          clearAll: { title: "清除全部图形", text: "全部清除" },
        },
        buttons: {
          edit: "修改图形", editDisabled: "没有可修改的图形", remove: "删除图形", removeDisabled: "没有可删除的图形",
        },
      },
      handlers: {
        edit: { tooltip: { text: "拖动拐点修改图形", subtext: "点击“放弃”撤销修改" } },
        remove: { tooltip: { text: "点击要删除的图形" } },
      },
    },
  };
})();
