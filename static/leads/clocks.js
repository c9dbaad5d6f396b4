// Countdowns that tick by the server's clock: [data-server-now] gives its moment when the page was made,
// [data-due] elements are redrawn every second. No request is made.
(function () {
  "use strict";
  let ahead = 0;

  function pad(n) { return String(n).padStart(2, "0"); }

  function words(ms) {
    const seconds = Math.floor(Math.abs(ms) / 1000);
    const days = Math.floor(seconds / 86400);
    const rest = seconds % 86400;
    const text = Math.floor(rest / 3600) + ":" + pad(Math.floor((rest % 3600) / 60)) + ":" + pad(rest % 60);
    return (ms <= 0 ? "已超 " : "还剩 ") + (days ? days + "天 " : "") + text;
  }

  function tick() {
    const now = Date.now() + ahead;
    document.querySelectorAll("[data-due]").forEach(function (element) {
      const left = Date.parse(element.dataset.due) - now;
      const face = element.querySelector(".clock-left") || element;
      face.textContent = words(left);
      element.classList.toggle("clock-late", left <= 0);
      element.classList.toggle("clock-soon", left > 0 && left <= 600000);
      element.classList.toggle("clock-calm", left > 600000);
    });
  }

  // Called again by front.js when a new snapshot has come.
  window.suosheClocks = {
    synchronise: function (root) {
      const source = (root || document).querySelector("[data-server-now]");
      if (source) ahead = Date.parse(source.dataset.serverNow) - Date.now();
      tick();
    },
  };

  document.addEventListener("DOMContentLoaded", function () {
    window.suosheClocks.synchronise();
    window.setInterval(tick, 1000);
  });
})();
