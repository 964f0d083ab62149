// Keeps a page live: asks for its fragment, swaps it when it changed, ticks the clocks in it,
// and says so at once when the connection is lost. See docs/adr/0007.
(function () {
  "use strict";
  var live = document.getElementById("live");
  var lost = document.getElementById("lost");
  var title = document.title;
  var every = Number(live.dataset.every);
  var offset = Date.parse(live.dataset.now) - Date.now();
  var days = live.dataset.days.split(",");
  var tag = live.dataset.tag;
  var heard = Date.now();
  var timer = 0;
  var busy = false;

  function two(number) { return (number < 10 ? "0" : "") + number; }

  function duration(ms) {
    var s = Math.max(0, Math.floor(ms / 1000));
    var d = Math.floor(s / 86400);
    var h = Math.floor(s / 3600) % 24;
    var m = Math.floor(s / 60) % 60;
    if (d) { return d + " " + days[d === 1 ? 0 : 1] + " " + h + ":" + two(m); }
    return h ? h + ":" + two(m) + ":" + two(s % 60) : m + ":" + two(s % 60);
  }

  function tick() {
    var now = Date.now() + offset;
    live.querySelectorAll("[data-since]").forEach(function (one) {
      one.textContent = duration(now - Date.parse(one.dataset.since));
    });
    live.querySelectorAll("[data-until]").forEach(function (one) {
      one.textContent = duration(Date.parse(one.dataset.until) - now);
    });
  }

  function say(isLost) {
    if (isLost && lost.hidden) {
      lost.querySelector("time").textContent =
        new Date(heard + offset).toLocaleTimeString("en-GB", { timeZone: live.dataset.zone });
    }
    lost.hidden = !isLost;
    live.classList.toggle("old", isLost);
  }

  function countInTitle() {
    var root = live.firstElementChild;
    var count = root ? Number(root.dataset.count || 0) : 0;
    document.title = count ? "(" + count + ") " + title : title;
  }

  function typing() {
    var active = document.activeElement;
    return live.contains(active) && /^(INPUT|TEXTAREA|SELECT)$/.test(active.tagName);
  }

  function swap(html, newTag) {
    if (typing()) { return; }
    var focused = live.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    live.innerHTML = html;
    tag = newTag;
    if (focused) {
      var again = live.querySelector('[href="' + focused + '"]');
      if (again) { again.focus(); }
    }
    tick();
    countInTitle();
  }

  function refresh() {
    clearTimeout(timer);
    if (busy) { return; }
    busy = true;
    var newTag = "";
    var stop = new AbortController();
    var patience = setTimeout(function () { stop.abort(); }, 10000);
    fetch(live.dataset.live, {
      headers: { "If-None-Match": tag, "X-Live": "1" },
      cache: "no-store", credentials: "same-origin", redirect: "error", signal: stop.signal
    }).then(function (answer) {
      if (answer.status === 401 || answer.status === 404) {
        if (answer.status === 401) { document.getElementById("ended").hidden = false; }
        live.classList.add("old");
        every = 0;
        return null;
      }
      if (answer.status !== 304 && !answer.ok) { throw new Error(String(answer.status)); }
      if (answer.status === 304) { return ""; }
      newTag = answer.headers.get("ETag");
      return answer.text();
    }).then(function (html) {
      if (html === null) { return; }
      heard = Date.now();
      say(false);
      if (html) { swap(html, newTag); }
    }).catch(function () {
      say(true);
    }).then(function () {
      clearTimeout(patience);
      busy = false;
      if (every) { timer = setTimeout(refresh, document.hidden ? every * 5 : every); }
    });
  }

  window.addEventListener("online", refresh);
  window.addEventListener("offline", function () { say(true); });
  document.addEventListener("visibilitychange", function () { if (!document.hidden) { refresh(); } });
  document.addEventListener("siaga:changed", refresh);
  setInterval(tick, 1000);
  countInTitle();
  timer = setTimeout(refresh, every);
})();
