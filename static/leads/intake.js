// 新线索: categories by spoken words, businesses from the register, a point by a click on the map.
(function () {
  "use strict";
  const form = document.querySelector(".lead-intake");
  if (!form) return;
  const field = function (name) { return form.querySelector("[name=" + name + "]"); };

  // --- category ---
  const said = document.getElementById("category-search");
  const labels = Array.from(document.querySelectorAll("#categories label"));
  function fits(label, words) {
    const own = label.dataset.words.split(" ");
    return own.some(function (word) { return word.includes(words) || (word.length > 1 && words.includes(word)); });
  }
  said.addEventListener("input", function () {
    const words = said.value.trim();
    let any = false;
    labels.forEach(function (label) {
      label.hidden = Boolean(words) && !fits(label, words);
      any = any || !label.hidden;
    });
    document.querySelectorAll("#categories fieldset").forEach(function (set) {
      set.hidden = !set.querySelector("label:not([hidden])");
    });
    document.getElementById("no-category").hidden = any;
  });

  // --- business ---
  const search = document.getElementById("entity-search");
  const found = document.getElementById("entity-found");
  const chosen = document.getElementById("entity-chosen");
  let waiting = null;
  let asked = 0;

  function offer(rows) {
    found.replaceChildren();
    rows.forEach(function (row) {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = row.name + (row.address ? "　" + row.address : "");
      button.addEventListener("click", function () {
        field("entity").value = row.id;
        search.value = row.name;
        chosen.textContent = "已选：" + row.name;
        found.hidden = true;
        if (row.location) place(row.location.lon, row.location.lat);
      });
      item.append(button);
      found.append(item);
    });
    if (!rows.length) {
      const item = document.createElement("li");
      item.className = "lead-empty px-3";
      item.textContent = "没有找到，可直接在地图上点位置。";
      found.append(item);
    }
    found.hidden = false;
  }
  search.addEventListener("input", function () {
    window.clearTimeout(waiting);
    field("entity").value = "";
    chosen.textContent = "可不选；没有登记的店直接在地图上点位置。";
    const words = search.value.trim();
    if (!words) { found.hidden = true; return; }
    waiting = window.setTimeout(function () {
      const mine = ++asked;
      fetch("/api/v1/entities/?page_size=10&q=" + encodeURIComponent(words), { credentials: "same-origin" })
        .then(function (answer) { return answer.ok ? answer.json() : { results: [] }; })
        .then(function (page) { if (mine === asked) offer(page.results); })
        .catch(function () { found.hidden = true; });
    }, 250);
  });
  document.addEventListener("click", function (event) {
    if (!event.target.closest(".lead-entity")) found.hidden = true;
  });

  // --- map ---
  const map = document.getElementById("map");
  const pin = document.getElementById("pin");
  const told = document.getElementById("point-chosen");
  const whole = map.getAttribute("viewBox");
  const west = Number(map.dataset.west), north = Number(map.dataset.north);
  const eastScale = Number(map.dataset.eastScale), scale = Number(map.dataset.scale);

  function mark(x, y) {
    const zoom = map.viewBox.baseVal.width / 720;
    pin.setAttribute("transform", "translate(" + x + " " + y + ") scale(" + zoom + ")");
    pin.removeAttribute("hidden");
  }
  function place(lon, lat, name) {
    field("lon").value = Number(lon).toFixed(6);
    field("lat").value = Number(lat).toFixed(6);
    mark((lon - west) * eastScale, (north - lat) * scale);
    told.textContent = "已选位置：" + field("lon").value + ", " + field("lat").value + (name ? "（" + name + "）" : "");
  }
  map.addEventListener("click", function (event) {
    const spot = new DOMPoint(event.clientX, event.clientY).matrixTransform(map.getScreenCTM().inverse());
    const grid = event.target.closest("[data-grid]");
    place(west + spot.x / eastScale, north - spot.y / scale, grid ? grid.dataset.name : "不在网格内");
  });
  document.getElementById("grid-zoom").addEventListener("change", function (event) {
    const path = event.target.value && map.querySelector('[data-grid="' + event.target.value + '"]');
    if (!path) { map.setAttribute("viewBox", whole); }
    else {
      const box = path.getBBox();
      const margin = Math.max(box.width, box.height) * 0.08;
      map.setAttribute("viewBox", [box.x - margin, box.y - margin, box.width + 2 * margin, box.height + 2 * margin].join(" "));
    }
    map.style.setProperty("--zoom", map.viewBox.baseVal.width / 720);
    if (field("lon").value) mark((Number(field("lon").value) - west) * eastScale, (north - Number(field("lat").value)) * scale);
  });
  if (field("lon").value && field("lat").value) place(Number(field("lon").value), Number(field("lat").value));
})();
