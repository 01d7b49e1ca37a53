// The page's tabs: the network, the playground, the training.  One is seen, and the address says which.

export function startTabs(parts) {
  const list = document.getElementById("tabs");
  const names = Object.keys(parts);
  const buttons = new Map(
    [...list.querySelectorAll("button")].map((button) => [button.dataset.tab, button]),
  );
  for (const [name, button] of buttons) if (!(name in parts)) button.remove();
  list.hidden = names.length < 2;
  let current = null;

  function open(name) {
    if (name === current) return;
    parts[current]?.close?.();
    current = name;
    for (const one of names) {
      document.getElementById(one).hidden = one !== name;
      buttons.get(one).setAttribute("aria-selected", String(one === name));
      buttons.get(one).tabIndex = one === name ? 0 : -1;
    }
    parts[name].open?.();
  }

  const said = () => names.find((name) => location.hash.startsWith(`#${name}`)) ?? names[0];
  for (const [name, button] of buttons) {
    button.addEventListener("click", () => {
      if (name === current) return;
      if (name !== said()) location.hash = name === names[0] ? "" : name;
      open(name);
    });
  }
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = names[(names.indexOf(current) + step + names.length) % names.length];
    buttons.get(next).click();
    buttons.get(next).focus();
  });
  addEventListener("hashchange", () => open(said()));
  addEventListener("popstate", () => open(said()));
  open(said());
}
