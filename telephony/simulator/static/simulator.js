// The page with the phones: shows what the network says, and passes on what people do. Decides nothing.
"use strict";

const words = JSON.parse(document.body.dataset.words);
const cards = new Map();
const LINK = /https?:\/\/[^\s<>"']+/g;
const ACTIONS_OF_STATE = {
  idle: ["dial"],
  dialling: ["hang-up"],
  ringing: ["answer", "decline"],
  in_call: ["hang-up"],
  off: [],
};

function say(code, otherwise) {
  return words[code] ?? otherwise ?? code;
}

function make(tag, className, text) {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text ?? "";
  return element;
}

function write(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

async function post(path, fields) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Requested-With": "simulator" },
    body: JSON.stringify(fields ?? {}),
  });
  const told = await answer.json();
  return answer.ok ? null : say(`refused.${told.code}`, told.title);
}

async function use(card, action, fields) {
  const path = `/simulator/phones/${encodeURIComponent(card.number)}/${action}`;
  let refusal;
  try {
    refusal = await post(path, fields);
  } catch {
    refusal = say("offline");
  }
  write(card.find(".refusal"), refusal ?? "");
  return refusal === null;
}

function press(card, key) {
  if (card.state === "in_call") {
    use(card, "press", { keys: key });
  }
}

function makeCard(phone) {
  const root = document.getElementById("phone-template").content.cloneNode(true).firstElementChild;
  const card = {
    number: phone.number,
    state: "",
    root,
    find: (selector) => root.querySelector(selector),
    lines: 0,
    texts: new Map(),
  };
  write(card.find(".label"), phone.label);
  write(card.find(".role"), phone.role);
  write(card.find(".own-number"), phone.number);
  root.dataset.number = phone.number;
  root.setAttribute("aria-label", `${phone.label}, ${phone.role}`);
  for (const box of root.querySelectorAll("[role=log]")) {
    box.setAttribute("aria-label", `${box.previousElementSibling.textContent}: ${phone.label}`);
    box.append(make("ol", "lines"));
  }
  for (const button of root.querySelectorAll("[data-action]")) {
    button.addEventListener("click", () => act(card, button.dataset.action));
  }
  for (const button of root.querySelectorAll("[data-key]")) {
    button.addEventListener("click", () => press(card, button.dataset.key));
  }
  card.find(".keypad").addEventListener("keydown", (event) => {
    if (/^[0-9*#]$/.test(event.key)) {
      press(card, event.key);
    }
  });
  card.find(".write").addEventListener("submit", async (event) => {
    event.preventDefault();
    const field = card.find(".body");
    if (await use(card, "text", { body: field.value })) {
      field.value = "";
    }
  });
  document.getElementById("phones").append(root);
  return card;
}

function act(card, action) {
  if (action === "power") {
    use(card, card.state === "off" ? "switch-on" : "switch-off");
  } else if (action === "dial") {
    use(card, "dial", { withheld: card.find(".withheld-box").checked });
  } else {
    use(card, action);
  }
}

function stateWords(phone, state) {
  if (state === "ringing") {
    return `${say("state.ringing")} · ${phone.peer}`;
  }
  if (state === "in_call") {
    return phone.with.length ? `${say("talks_to")} ${phone.with.join(", ")}` : say("waits");
  }
  return say(`state.${state}`);
}

// Colons in both languages, as on the other pages: nobody takes 06.37.01 for a date.
function clockTime(instant) {
  return new Date(instant).toLocaleTimeString("en-GB", { hour12: false });
}

function makeLine(line) {
  if (line.kind === "note") {
    const opens = ["dialled", "ringing"].includes(line.text) ? " opens" : "";
    return make("li", `note${opens}`, `${say(`note.${line.text}`)} · ${clockTime(line.at)}`);
  }
  if (line.kind === "key") {
    return make("li", "key-pressed", `${say("key")} ${line.text}`);
  }
  if (line.kind === "play") {
    return make("li", "play", `♪ ${say(`play.${line.text}`, line.text)}`);
  }
  return make("li", "say", line.text);
}

function linked(body) {
  const element = make("span", "words");
  let end = 0;
  for (const found of body.matchAll(LINK)) {
    const address = found[0].replace(/[.,;:!?)\]]+$/, "");
    element.append(body.slice(end, found.index));
    const link = make("a", "", address);
    link.href = address;
    link.target = "_blank";
    link.rel = "noopener";
    element.append(link);
    end = found.index + address.length;
  }
  element.append(body.slice(end));
  return element;
}

function textWhen(text) {
  const status = text.way === "in" ? say("text.in") : `${say("text.out")}, ${say(`text.${text.status}`, text.status)}`;
  return `${status} · ${clockTime(text.at)}`;
}

function makeText(text) {
  const item = make("li", text.way);
  item.append(linked(text.body), make("span", "when", textWhen(text)));
  return item;
}

function keepAtEnd(box, add) {
  const wasAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  add(box.firstElementChild);
  if (wasAtEnd) {
    box.scrollTop = box.scrollHeight;
  }
}

function showTranscript(card, lines) {
  const fresh = lines.filter((line) => line.position > card.lines);
  if (!fresh.length) {
    return;
  }
  keepAtEnd(card.find(".transcript"), (list) => {
    for (const line of fresh) {
      list.append(makeLine(line));
      card.lines = line.position;
    }
    while (list.childElementCount > 200) {
      list.firstElementChild.remove();
    }
  });
}

function showTexts(card, texts) {
  keepAtEnd(card.find(".texts"), (list) => {
    for (const text of texts) {
      const shown = card.texts.get(text.position);
      if (shown) {
        write(shown.querySelector(".when"), textWhen(text));
      } else {
        const item = makeText(text);
        card.texts.set(text.position, item);
        list.append(item);
      }
    }
  });
}

function showPhone(phone) {
  if (!cards.has(phone.number)) {
    cards.set(phone.number, makeCard(phone));
  }
  const card = cards.get(phone.number);
  const state = phone.is_on ? phone.state : "off";
  if (card.state !== state) {
    card.state = state;
    card.root.dataset.state = state;
    for (const button of card.root.querySelectorAll(".call-actions [data-action]")) {
      button.hidden = !ACTIONS_OF_STATE[state].includes(button.dataset.action);
    }
    card.find(".withheld").hidden = state !== "idle";
    for (const key of card.root.querySelectorAll(".key")) {
      key.disabled = state !== "in_call";
    }
    write(card.find(".power"), say(state === "off" ? "switch_on" : "switch_off"));
    write(card.find(".refusal"), "");
  }
  write(card.find(".state-words"), stateWords(phone, state));
  showTranscript(card, phone.transcript);
  showTexts(card, phone.texts);
}

function showConnections(groups) {
  const list = document.getElementById("connections");
  const texts = groups.map((labels) => `${say("connected")}: ${labels.join(" ⇄ ")}`);
  const shown = [...list.children].map((item) => item.textContent);
  const wanted = texts.length ? texts : [say("nobody_connected")];
  if (shown.join("\n") !== wanted.join("\n")) {
    list.replaceChildren(...wanted.map((text) => make("li", texts.length ? "talk" : "lead", text)));
  }
}

function showProblems(problems) {
  write(document.getElementById("problem-count"), String(problems.length));
  const items = [...problems].reverse().map((problem) =>
    make("li", "", `${clockTime(problem.at)} · ${problem.code} · ${problem.reason} ${problem.url}`),
  );
  document.getElementById("problems").replaceChildren(...items);
}

function showLink(isUp) {
  const notice = document.getElementById("link-state");
  notice.hidden = isUp;
  write(notice, isUp ? "" : say("offline"));
}

async function follow() {
  let version = "";
  for (;;) {
    try {
      const answer = await fetch(`/simulator/phones?after=${encodeURIComponent(version)}&wait_s=2`, { cache: "no-store" });
      if (answer.status === 200) {
        const network = await answer.json();
        version = network.version;
        network.phones.forEach(showPhone);
        showConnections(network.connections);
        showProblems(network.problems);
      } else if (answer.status !== 304) {
        throw new Error(String(answer.status));
      }
      showLink(true);
    } catch {
      showLink(false);
      await new Promise((resolve) => setTimeout(resolve, 1500));
    }
  }
}

document.getElementById("add-resident").addEventListener("click", async () => {
  try {
    const refusal = await post("/simulator/phones");
    if (refusal) {
      window.alert(refusal);
    }
  } catch {
    showLink(false);
  }
});

follow();
