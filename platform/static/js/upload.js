// Handing in: drop files or a folder anywhere in the frame, and leave out of a folder what
// tools made before it is sent. Without this script the same form works by itself.
const IGNORED_SUFFIX = /\.py[co]$/;

/** Every file below a dropped entry, as {path, file}. */
async function* filesBelow(entry, ignored) {
  if (ignored.has(entry.name)) return;
  if (entry.isFile) {
    const file = await new Promise((done, fail) => entry.file(done, fail));
    yield { path: entry.fullPath.replace(/^\//, ""), file };
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    // A reader gives a folder in portions; an empty one is the end.
    const portion = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (portion.length === 0) return;
    for (const child of portion) yield* filesBelow(child, ignored);
  }
}

const isKept = (path, ignored) =>
  !IGNORED_SUFFIX.test(path) && !path.split("/").some((name) => ignored.has(name));

const megabytes = (bytes) =>
  bytes < 1024 * 1024
    ? `${Math.max(1, Math.round(bytes / 1024))} kB`
    : `${(bytes / 1048576).toFixed(1)} MB`;

function enhance(form) {
  const ignored = new Set(JSON.parse(form.dataset.ignored));
  const maxBytes = Number(form.dataset.maxBytes);
  const maxFiles = Number(form.dataset.maxFiles);
  const loose = form.querySelector('input[name="files"]');
  const folder = form.querySelector('input[name="folder"]');
  const chosen = form.querySelector("[data-chosen]");
  const frame = form.querySelector("[data-drop]");
  const button = form.querySelector('button[type="submit"]');
  let picked = null; // what this script will send: {field, items: [{path, file}]}

  const tell = (text, isBad = false) => {
    chosen.textContent = text;
    chosen.classList.toggle("no", isBad);
  };

  function choose(field, items, leftOut) {
    const bytes = items.reduce((sum, { file }) => sum + file.size, 0);
    picked = { field, items };
    const without = leftOut ? `, ${leftOut} left out that tools make` : "";
    const files = items.length === 1 ? items[0].path : `${items.length} files`;
    if (items.length === 0) tell("There is nothing in it to hand in.", true);
    else if (items.length > maxFiles) {
      tell(`${items.length} files: at most ${maxFiles} can be handed in.`, true);
    } else if (bytes > maxBytes) {
      tell(`${megabytes(bytes)}: at most ${megabytes(maxBytes)} can be handed in.`, true);
    } else tell(`${files}, ${megabytes(bytes)}${without}`);
    button.disabled = items.length === 0 || items.length > maxFiles || bytes > maxBytes;
  }

  loose.addEventListener("change", () => {
    if (loose.files.length) folder.value = "";
    choose("files", [...loose.files].map((file) => ({ path: file.name, file })), 0);
  });
  folder.addEventListener("change", () => {
    if (folder.files.length) loose.value = "";
    const found = [...folder.files].map((file) => ({ path: file.webkitRelativePath, file }));
    const kept = found.filter(({ path }) => isKept(path, ignored));
    choose("folder", kept, found.length - kept.length);
  });

  frame.addEventListener("dragover", (event) => {
    event.preventDefault();
    frame.classList.add("over");
  });
  frame.addEventListener("dragleave", (event) => {
    if (!frame.contains(event.relatedTarget)) frame.classList.remove("over");
  });
  frame.addEventListener("drop", async (event) => {
    event.preventDefault();
    frame.classList.remove("over");
    // They must be taken before the first await; afterwards the list is empty. What has no
    // entry is a file that does not come from a disk.
    const dropped = [...event.dataTransfer.items]
      .map((item) => item.webkitGetAsEntry() ?? item.getAsFile())
      .filter(Boolean);
    tell("Reading…");
    try {
      const items = [];
      for (const entry of dropped) {
        if (entry instanceof File) items.push({ path: entry.name, file: entry });
        else for await (const item of filesBelow(entry, ignored)) items.push(item);
      }
      const kept = items.filter(({ path }) => isKept(path, ignored));
      loose.value = folder.value = "";
      const field = dropped.some((entry) => entry.isDirectory) ? "folder" : "files";
      choose(field, kept, items.length - kept.length);
    } catch {
      tell("What was dropped cannot be read. Choose it with the buttons instead.", true);
    }
  });

  form.addEventListener("submit", async (event) => {
    if (!picked) return;
    event.preventDefault();
    const data = new FormData();
    data.append("csrfmiddlewaretoken", form.querySelector('[name="csrfmiddlewaretoken"]').value);
    for (const { path, file } of picked.items) data.append(picked.field, file, path);
    button.disabled = true;
    tell("Sending…");
    try {
      const answer = await fetch(form.action, { method: "POST", body: data });
      if (answer.redirected) return location.assign(answer.url);
      show(await answer.text());
    } catch {
      tell("It could not be sent: the connection is gone, or a file changed. Try again.", true);
      button.disabled = false;
    }
  });
}

/** Put the answered page in the place of this one, without losing the address. */
function show(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const answered = page.querySelector("main");
  if (!answered) return location.reload();
  document.querySelector("main").replaceWith(answered);
  document.title = page.title;
  begin();
  answered.querySelector("[data-refusal]")?.focus();
}

function begin() {
  for (const form of document.querySelectorAll("form[data-upload]")) enhance(form);
}

begin();
