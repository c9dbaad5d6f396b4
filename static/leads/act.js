// Forms that must not be sent twice by a double click, and "all the same instruction" of many orders.
(function () {
  "use strict";
  document.querySelectorAll("form[data-once]").forEach(function (form) {
    form.addEventListener("submit", function (event) {
      if (form.dataset.sent) { event.preventDefault(); return; }
      form.dataset.sent = "1";
      form.querySelectorAll("button[type=submit]").forEach(function (button) { button.classList.add("opacity-50"); });
    });
  });
  // A page that comes back from the browser's memory may be sent again.
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) document.querySelectorAll("form[data-once]").forEach(function (form) { delete form.dataset.sent; });
  });
  document.querySelectorAll(".lead-photos-field input[type=file]").forEach(function (input) {
    input.hasChangeListener = true;  // Unfold would look for its own text field beside each input of files, and fail
    input.addEventListener("change", function () {
      const told = input.closest(".lead-photos-field").querySelector("[data-chosen]");
      told.textContent = input.files.length ? "已选 " + input.files.length + " 份" : "";
    });
  });
  document.querySelectorAll("[data-fill]").forEach(function (button) {
    button.addEventListener("click", function () {
      document.querySelectorAll(".lead-many-fields select").forEach(function (select) { select.value = button.dataset.fill; });
    });
  });

  // 派单: a grid that is chosen leaves only the people of its office.
  const grid = document.querySelector("select[name=grid]");
  const people = document.querySelector("select[name=assignee]");
  if (grid && people) {
    const narrow = function () {
      const option = grid.selectedOptions[0];
      const office = option && option.value ? option.parentElement.label : "";
      people.querySelectorAll("optgroup").forEach(function (group) {
        group.hidden = Boolean(office) && group.label !== office;
      });
      const chosen = people.selectedOptions[0];
      if (chosen && chosen.parentElement.hidden) people.value = "";
    };
    grid.addEventListener("change", narrow);
    narrow();
  }

  // 反馈: the date of rectification belongs to 责令改正 alone, the number of the case to 立案查处.
  [["rectify_due_on", "rectify"], ["case_number", "penalty"]].forEach(function (pair) {
    const field = document.querySelector("input[name=" + pair[0] + "]");
    if (!field) return;
    const row = field.closest(".group") || field;
    const show = function () {
      const kind = document.querySelector("input[name=kind]:checked");
      row.hidden = !(kind && kind.value === pair[1]);
      if (row.hidden) field.value = "";
    };
    document.querySelectorAll("input[name=kind]").forEach(function (radio) { radio.addEventListener("change", show); });
    show();
  });
})();
