// Keeps a worker's taps while the phone is out of reach, with their times, and sends them in order later.
// Without this script the same buttons are plain forms.
(function () {
  "use strict";
  var KEY = "siaga.taps:" + location.pathname;
  var box = document.getElementById("taps");
  var refused = document.getElementById("refused");
  var zone = document.getElementById("live").dataset.zone;
  var taps = [];
  var busy = false;

  try { taps = JSON.parse(localStorage.getItem(KEY) || "[]"); } catch (error) { taps = []; }

  function keep() { localStorage.setItem(KEY, JSON.stringify(taps)); }

  function show() {
    var list = box.querySelector("ul");
    list.textContent = "";
    taps.forEach(function (tap) {
      var line = document.createElement("li");
      line.textContent = new Date(tap.at).toLocaleTimeString("en-GB", { timeZone: zone }) + " " + tap.label;
      list.appendChild(line);
    });
    box.hidden = taps.length === 0;
  }

  function complain(text) {
    refused.textContent = text;
    refused.hidden = !text;
  }

  function done() {
    taps.shift();
    keep();
    show();
  }

  function send() {
    if (busy || !taps.length) { return; }
    busy = true;
    var tap = taps[0];
    var stop = new AbortController();
    var patience = setTimeout(function () { stop.abort(); }, 15000);
    fetch(tap.address, {
      method: "POST",
      body: tap.body + "&waited_ms=" + Math.max(0, Date.now() - tap.at),
      headers: { "Content-Type": "application/x-www-form-urlencoded", "X-Live": "1" },
      cache: "no-store", redirect: "error", signal: stop.signal
    }).then(function (answer) {
      if (answer.status >= 500 || answer.status === 429) { throw new Error(String(answer.status)); }
      if (answer.ok) { return { refused: null }; }
      if (answer.status === 409) { return answer.json(); }
      return { refused: "gone", message: refused.dataset.gone };
    }).then(function (answer) {
      // Sent twice because the first answer was lost: it stands in the record, nothing to complain about.
      complain(answer.refused && answer.refused !== "already_there" ? answer.message : "");
      done();
      document.dispatchEvent(new Event("siaga:changed"));
      return 0;
    }).catch(function () {
      show();
      return 5000;
    }).then(function (pause) {
      clearTimeout(patience);
      busy = false;
      if (taps.length) { setTimeout(send, pause); }
    });
  }

  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (!form.dataset.tap) { return; }
    taps.push({
      address: form.getAttribute("action"),
      body: new URLSearchParams(new FormData(form)).toString(),
      label: form.dataset.tap,
      at: Date.now()
    });
    try { keep(); } catch (error) { taps.pop(); return; }
    event.preventDefault();
    form.reset();
    if (document.activeElement) { document.activeElement.blur(); }
    complain("");
    show();
    send();
  });

  window.addEventListener("online", send);
  show();
  send();
})();
