// 登记纠纷: shops of the register as one types; what is not chosen stays a free name.
(function () {
  "use strict";
  const form = document.getElementById("dispute-intake");
  if (!form) return;
  const entity = form.querySelector("[name=entity]");
  const search = document.getElementById("shop-search");
  const found = document.getElementById("shop-found");
  const told = document.getElementById("shop-chosen");
  const FREE = "从列表中选择；不在登记册中的店，填写名称即可。";
  let waiting = null;
  let asked = 0;

  function choose(row) {
    entity.value = row.id;
    search.value = row.name;
    told.textContent = "已选：" + row.name + (row.address ? "　" + row.address : "");
    found.hidden = true;
  }
  function offer(rows) {
    found.replaceChildren();
    rows.forEach(function (row) {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = row.name + (row.address ? "　" + row.address : "");
      button.addEventListener("click", function () { choose(row); });
      item.append(button);
      found.append(item);
    });
    found.hidden = !rows.length;
  }
  search.addEventListener("input", function () {
    window.clearTimeout(waiting);
    entity.value = "";
    told.textContent = FREE;
    const words = search.value.trim();
    const mine = ++asked;
    if (!words) { found.hidden = true; return; }
    waiting = window.setTimeout(function () {
      fetch(form.dataset.shops + "?q=" + encodeURIComponent(words), { credentials: "same-origin" })
        .then(function (answer) { return answer.ok ? answer.json() : { results: [] }; })
        .then(function (page) { if (mine === asked) offer(page.results); })
        .catch(function () { found.hidden = true; });
    }, 250);
  });
  // Enter in the search takes the first shop; it sends nothing.
  search.addEventListener("keydown", function (event) {
    if (event.key !== "Enter") return;
    event.preventDefault();
    const first = found.hidden ? null : found.querySelector("button");
    if (first) first.click();
  });
  document.addEventListener("click", function (event) {
    if (!event.target.closest(".lead-entity")) found.hidden = true;
  });
})();
