// The live page: server-sent events, and polling where a stream does not get through.
// The page is drawn by the server as it stands; here it is only kept up to date.
const root = document.querySelector("[data-live]");

const SHAPES = {
  passed: { state: "pass", rail: "p", word: "Passed" },
  failed: { state: "fail", rail: "f", word: "Failed" },
  learner_error: { state: "fail", rail: "f", word: "Failed" },
  timed_out: { state: "fail", rail: "f", word: "Timed out" },
  not_reached: { state: "skip", rail: "s", word: "Not reached" },
  waiting: { state: "wait", rail: "w", word: "Waiting" },
};
const POLL_MS = 1500;
const GIVE_UP_AFTER = 3;

const all = (selector) => [...root.querySelectorAll(selector)];
const say = (name, text) => {
  for (const place of all(`[data-${name}]`)) {
    if (place.textContent !== text) place.textContent = text;
  }
};

let isLeaving = false;
function leave(url) {
  if (isLeaving) return;
  isLeaving = true;
  location.replace(url);
}

function showCheck(id, outcome) {
  const shape = SHAPES[outcome] ?? SHAPES.waiting;
  for (const row of all("[data-check]")) {
    if (row.dataset.check !== id) continue;
    row.dataset.state = shape.state;
    const glyph = row.querySelector("svg");
    glyph.setAttribute("class", `st ${shape.state}`);
    glyph.setAttribute("aria-label", shape.word);
    glyph.querySelector("use").setAttribute("href", `#i-${shape.state}`);
  }
  for (const tooth of all("[data-tooth]")) {
    if (tooth.dataset.tooth === id) tooth.className = shape.rail;
  }
}

function count() {
  const of = (state) => all(`[data-check][data-state="${state}"]`).length;
  const done = all("[data-check]").length - of("wait");
  say("done", String(done));
  say("passed", String(of("pass")));
  say("failed", String(of("fail")));
}

function showPhase(name) {
  const steps = all("[data-phase]");
  const at = steps.findIndex((step) => step.dataset.phase === name);
  if (at < 0) return;
  steps.forEach((step, index) => {
    const state = index < at ? "pass" : index === at ? "now" : "wait";
    step.className = index < at ? "done" : index === at ? "on" : "";
    step.toggleAttribute("aria-current", index === at);
    step.querySelector("svg").setAttribute("class", `st ${state}`);
    step.querySelector("use").setAttribute("href", `#i-${state}`);
  });
  say("status", steps[at].dataset.words);
}

function showPosition({ queue_position: place, waiting_behind_own: own }) {
  if (own > 0) {
    say("status", "Waiting for your earlier attempt to be graded first");
    return;
  }
  const before = place - 1;
  if (before < 1) say("status", "Next in the queue");
  else if (before === 1) say("status", "One other before it");
  else say("status", `${before} others before it`);
}

const handlers = {
  phase: ({ name }) => showPhase(name),
  position: showPosition,
  check: ({ check_id: id, outcome }) => {
    showCheck(id, outcome);
    count();
  },
  restarted: () => {
    for (const row of all("[data-check]")) showCheck(row.dataset.check, "waiting");
    count();
    showPhase("queued");
    for (const notice of all("[data-restarted]")) notice.hidden = false;
  },
  decided: ({ url }) => leave(url),
};

let after = Number(root.dataset.after) || 0;

function stream() {
  let failures = 0;
  const source = new EventSource(`${root.dataset.events}?after=${after}`);
  source.addEventListener("open", () => (failures = 0));
  for (const [kind, handle] of Object.entries(handlers)) {
    source.addEventListener(kind, (event) => {
      if (event.lastEventId) after = Number(event.lastEventId);
      handle(JSON.parse(event.data));
      if (isLeaving) source.close();
    });
  }
  source.addEventListener("error", () => {
    if (isLeaving) return;
    failures += 1;
    if (failures < GIVE_UP_AFTER && source.readyState !== EventSource.CLOSED) return;
    source.close();
    poll();
  });
}

async function poll() {
  try {
    const answer = await fetch(`${root.dataset.poll}?after=${after}`, { cache: "no-store" });
    // Signed out meanwhile, or gone: the page itself says which.
    if (answer.redirected || answer.status === 404) return location.reload();
    if (answer.ok) {
      const seen = await answer.json();
      if (seen.position) showPosition(seen.position);
      for (const event of seen.events) {
        after = event.id;
        handlers[event.kind]?.(event.payload);
      }
      if (!seen.state.is_open) leave(seen.url);
      if (isLeaving) return;
    }
  } catch {
    say("status", "The connection is gone; trying again");
  }
  setTimeout(poll, POLL_MS);
}

if (root) {
  if ("EventSource" in window && !root.hasAttribute("data-polling-only")) stream();
  else poll();
}
