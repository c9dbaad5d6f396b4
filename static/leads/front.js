// Refreshes the workbench every ten seconds. The request is marked as the page's own, so that a
// deserted screen is not kept signed in by it; one that was signed out is sent to the sign-in page.
(function () {
  "use strict";
  const EVERY_MS = 10000;

  document.addEventListener("DOMContentLoaded", function () {
    const live = document.getElementById("front-live");
    if (!live) return;
    window.setInterval(function () {
      if (document.hidden) return;
      fetch(live.dataset.source, { headers: { "X-Self-Refresh": "1" }, credentials: "same-origin" })
        .then(function (answer) {
          if (answer.redirected) { window.location.reload(); return null; }
          if (!answer.ok) throw new Error(String(answer.status));
          return answer.text();
        })
        .then(function (html) {
          if (html === null) return;
          live.innerHTML = html;
          live.classList.remove("front-stale");
          window.suosheClocks.synchronise(live);
        })
        .catch(function () { live.classList.add("front-stale"); });
    }, EVERY_MS);
  });
})();
