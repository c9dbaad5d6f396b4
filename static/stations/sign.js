// 签名: each [data-pad] holds a canvas and the hidden field that carries what was drawn, as a PNG data URL.
// Pointer events serve finger, pen and mouse alike. What was drawn before a refusal is drawn again.
(function () {
  "use strict";
  const INK = "#111";
  const WIDTH = 4.5;

  function pad(box) {
    const canvas = box.querySelector("canvas");
    const field = box.querySelector("input[type=hidden]");
    const pen = canvas.getContext("2d");
    let last = null;
    let drawn = false;

    function mark() { box.classList.toggle("sign-drawn", drawn); }
    function clear() {
      pen.clearRect(0, 0, canvas.width, canvas.height);
      field.value = "";
      drawn = false;
      mark();
    }
    function spot(event) {
      const shown = canvas.getBoundingClientRect();
      return {
        x: (event.clientX - shown.left) * canvas.width / shown.width,
        y: (event.clientY - shown.top) * canvas.height / shown.height,
      };
    }
    function line(to) {
      pen.beginPath();
      pen.moveTo(last.x, last.y);
      pen.lineTo(to.x, to.y);
      pen.strokeStyle = INK;
      pen.lineWidth = WIDTH;
      pen.lineCap = "round";
      pen.lineJoin = "round";
      pen.stroke();
      last = to;
      drawn = true;
    }
    canvas.addEventListener("pointerdown", function (event) {
      if (event.button) return;
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      last = spot(event);
      line(last);
    });
    canvas.addEventListener("pointermove", function (event) {
      if (!last) return;
      event.preventDefault();
      const through = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
      (through.length ? through : [event]).forEach(function (one) { line(spot(one)); });
    });
    ["pointerup", "pointercancel"].forEach(function (name) {
      canvas.addEventListener(name, function () {
        if (!last) return;
        last = null;
        field.value = canvas.toDataURL("image/png");
        mark();
      });
    });
    box.querySelector("[data-clear]").addEventListener("click", clear);

    if (field.value) {
      const before = new Image();
      before.addEventListener("load", function () { pen.drawImage(before, 0, 0); drawn = true; mark(); });
      before.src = field.value;
    }
    return field;
  }

  document.querySelectorAll("form[data-signs]").forEach(function (form) {
    const fields = Array.from(form.querySelectorAll("[data-pad]")).map(pad);
    const missing = document.getElementById("sign-missing");
    form.addEventListener("submit", function (event) {
      // The preview opens beside this page and needs no signatures.
      if (event.submitter && event.submitter.hasAttribute("formaction")) return;
      const signed = fields.filter(function (field) { return field.name !== "mediator"; })
        .every(function (field) { return field.value; });
      missing.hidden = signed;
      if (!signed || form.dataset.sent) { event.preventDefault(); return; }
      form.dataset.sent = "1";
      event.submitter && event.submitter.classList.add("opacity-50");
    });
    window.addEventListener("pageshow", function (event) { if (event.persisted) delete form.dataset.sent; });
  });
})();
