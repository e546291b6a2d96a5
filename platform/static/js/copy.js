// Gives every code figure's header a button that copies its text.
// <figure class="code"><header>…</header><pre>…</pre></figure>; prompts (.gp) are left out.
const icon = (name) =>
  `<svg class="i" aria-hidden="true"><use href="#i-${name}"/></svg>`;

function textOf(figure) {
  const source = figure.querySelector("[data-copy-text]") ?? figure.querySelector("pre");
  const copy = source.cloneNode(true);
  for (const prompt of copy.querySelectorAll(".gp, .go")) prompt.remove();
  return copy.textContent.replace(/\n$/, "");
}

function addButton(figure) {
  const header = figure.querySelector(":scope > header");
  if (!header || !figure.querySelector("pre, [data-copy-text]")) return;
  const button = header.querySelector(".copy") ?? document.createElement("button");
  const label = (name, word) => {
    button.innerHTML = `${icon(name)}<span aria-live="polite">${word}</span>`;
  };
  button.type = "button";
  button.className = "copy";
  label("copy", "Copy");
  header.append(button);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(textOf(figure));
      button.classList.add("done");
      label("tick", "Copied");
    } catch {
      label("copy", "Press Ctrl+C");
      getSelection().selectAllChildren(figure.querySelector("pre"));
    }
    setTimeout(() => {
      button.classList.remove("done");
      label("copy", "Copy");
    }, 2000);
  });
}

for (const figure of document.querySelectorAll("figure.code")) addButton(figure);
