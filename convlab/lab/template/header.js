// The page's frame: its theme, its help, and how it is printed.
import { listenToTheme, themeName } from "./colours.js";

// On paper the page stands as on the screen, for which the maps are laid out: a sheet has the
// window's size, the queries of the width keep their answers, and so do the colours.
export function startPrint() {
  const root = document.documentElement;
  const [style] = document.styleSheets;
  let theme; // as it was chosen
  let asked = []; // the rules of these queries, with what they ask
  addEventListener("beforeprint", () => {
    asked = [...style.cssRules]
      .filter((rule) => rule.media?.mediaText.includes("width"))
      .map((rule) => [rule, rule.media.mediaText]);
    for (const [rule, query] of asked)
      rule.media.mediaText = matchMedia(query).matches ? "all" : "not all";
    theme = root.dataset.theme;
    root.dataset.theme = themeName();
    const { fontSize } = getComputedStyle(root);
    style.insertRule(`@page { size: ${root.clientWidth}px ${innerHeight}px; margin: 0; }`);
    style.insertRule(`@media print { html:root { font-size: ${fontSize}; } }`);
  });
  addEventListener("afterprint", () => {
    style.deleteRule(0);
    style.deleteRule(0);
    for (const [rule, query] of asked) rule.media.mediaText = query;
    if (!theme) delete root.dataset.theme;
  });
}

// The theme's button, and the help, which closes as a menu does.
export function startHeader() {
  const button = document.getElementById("theme");
  const keep = (value) => {
    try {
      if (value) localStorage.setItem("convlab-theme", value);
      return localStorage.getItem("convlab-theme");
    } catch {
      return value ?? null; // a page from the disk may not be allowed to keep anything
    }
  };
  const root = document.documentElement;
  const other = () => {
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    return dark ? "light" : "dark";
  };
  const label = () => {
    button.textContent = other() === "dark" ? t`Dark colours` : t`Light colours`;
  };
  const kept = keep();
  if (kept === "light" || kept === "dark") root.dataset.theme = kept;
  button.addEventListener("click", () => {
    root.dataset.theme = keep(other()) ?? other();
    label();
  });
  listenToTheme(label);
  label();

  const help = document.getElementById("help");
  if (!help) return;
  document.addEventListener("pointerdown", (event) => {
    if (!help.contains(event.target)) help.open = false;
  });
  help.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !help.open) return;
    event.preventDefault(); // of no other meaning now
    help.open = false;
    help.querySelector("summary").focus();
  });
}
