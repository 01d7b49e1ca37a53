"use strict";
{
  const find = (selector, within = document) => within.querySelector(selector);
  const findAll = (selector, within = document) => [...within.querySelectorAll(selector)];
  const articles = findAll("article");
  const shown = () => articles.filter((article) => !article.hidden);
  const chapters = findAll(".chapter");
  const links = findAll("nav a"); // one for each chapter

  // Without script these would be buttons that do nothing.
  for (const control of findAll("[data-scripted]")) control.hidden = false;

  // --- which file a picture shows: light or dark, moving or still -------------------------

  const KEY = "convlab-gallery-theme";
  const animated = findAll("picture:has([data-shows=still])").map((picture) => picture.dataset.entry);
  const reduced = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const paused = new Set(reduced ? animated : []);
  let theme = "auto";
  try {
    theme = localStorage.getItem(KEY) ?? "auto";
  } catch {
    // A browser may refuse storage: then the theme lasts as long as the page.
  }

  function update() {
    // Paper is light and holds still whatever the screen shows.
    const dark = { light: "not all", dark: "screen" }[theme] ?? "screen and (prefers-color-scheme: dark)";
    document.documentElement.dataset.theme = theme;
    for (const source of findAll("picture source")) {
      const still = paused.has(source.parentElement.dataset.entry);
      const media = { dark, still: still ? "all" : "print", "still-dark": still ? dark : "not all" };
      source.media = media[source.dataset.shows];
    }
    for (const button of findAll(".pause")) {
      const id = button.closest("article")?.id ?? current?.id;
      button.textContent = paused.has(id) ? "Play" : "Pause";
    }
    const resting = paused.size === animated.length;
    find("#page-pause").textContent = resting ? "Play all animations" : "Pause all animations";
  }

  for (const choice of findAll("[name=theme]")) {
    choice.checked = choice.value === theme;
    choice.addEventListener("change", () => {
      theme = choice.value;
      try {
        localStorage.setItem(KEY, theme);
      } catch {
        // As above.
      }
      update();
    });
  }

  for (const button of findAll(".pause")) {
    button.addEventListener("click", () => {
      const { id } = button.closest("article") ?? current;
      if (!paused.delete(id)) paused.add(id);
      update();
    });
  }

  find("#page-pause").hidden = animated.length === 0;
  find("#page-pause").addEventListener("click", () => {
    const resting = paused.size === animated.length;
    for (const id of animated) resting ? paused.delete(id) : paused.add(id);
    update();
  });

  // --- search -----------------------------------------------------------------------------

  const box = find("#page-search");
  const texts = articles.map((article) =>
    findAll(".concept, h3, .idea, code", article)
      .map((part) => part.textContent)
      .join("\n")
      .toLowerCase(),
  );

  function search() {
    const words = box.value.toLowerCase().split(/\s+/);
    articles.forEach((article, index) => {
      article.hidden = !words.every((word) => texts[index].includes(word));
    });
    chapters.forEach((chapter, index) => {
      chapter.hidden = !find("article:not([hidden])", chapter);
      links[index].parentElement.hidden = chapter.hidden;
    });
    const count = shown().length;
    const all = `${articles.length} ${articles.length === 1 ? "picture" : "pictures"}`;
    const some = count ? `${count} of ${all}` : "no picture matches";
    find("#page-found").textContent = count === articles.length ? all : some;
  }

  box.addEventListener("input", () => {
    search();
    scrollTo(0, 0);
  });

  // A link to an entry that the search has hidden shows all entries again.
  function openAtLink() {
    const target = find(":target");
    if (!target?.closest("[hidden]")) return;
    box.value = "";
    search();
    target.scrollIntoView();
  }
  addEventListener("hashchange", openAtLink);

  // --- one picture, large -----------------------------------------------------------------

  const dialog = find("#page-large");
  let current = null;

  const pictured = () => shown().filter((article) => find("picture", article)); // films have their own

  function enlarge(article) {
    current = article;
    const entries = pictured();
    const picture = find("picture", article).cloneNode(true);
    find("img", picture).loading = "eager";
    find("#page-stage").replaceChildren(picture);
    find("#page-large-title").textContent = find("h3", article).textContent;
    find("#page-large-place").textContent = `${entries.indexOf(article) + 1} of ${entries.length}`;
    find(".pause", dialog).hidden = !animated.includes(article.id);
    update();
    if (dialog.open) return;
    dialog.showModal();
    find("#page-next").focus();
  }

  function step(by) {
    const entries = pictured();
    enlarge(entries.at((entries.indexOf(current) + by) % entries.length));
  }

  for (const link of findAll(".enlarge")) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab or window
      event.preventDefault();
      enlarge(link.closest("article"));
    });
  }
  find("#page-previous").addEventListener("click", () => step(-1));
  find("#page-next").addEventListener("click", () => step(1));
  find("#page-close").addEventListener("click", () => dialog.close());
  find("#page-stage").addEventListener("click", () => dialog.close());
  dialog.addEventListener("keydown", (event) => {
    // A presenter's remote control sends the page keys.
    const by = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    step(by);
  });
  dialog.addEventListener("close", () => find(".enlarge", current).focus());

  // --- copying a command ------------------------------------------------------------------

  async function copy(code) {
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      getSelection().selectAllChildren(code);
      if (!document.execCommand("copy")) return false; // what is selected stays selected
      getSelection().removeAllRanges();
    }
    return true;
  }

  for (const button of findAll(".copy")) {
    button.addEventListener("click", async () => {
      const copied = await copy(find("code", button.closest(".command")));
      button.textContent = copied ? "Copied" : "Press Ctrl+C";
      find("#page-copied").textContent = copied ? "Command copied" : "Press Control and C to copy";
      setTimeout(() => {
        button.textContent = "Copy command";
        find("#page-copied").textContent = "";
      }, 2000);
    });
  }

  // --- the chapter that is being read -----------------------------------------------------

  const inView = new IntersectionObserver(
    (changes) => {
      for (const { target, isIntersecting } of changes) {
        const link = links[chapters.indexOf(target)];
        if (isIntersecting) link.setAttribute("aria-current", "location");
        else link.removeAttribute("aria-current");
      }
    },
    { rootMargin: "-30% 0px -70% 0px" },
  );
  for (const chapter of chapters) inView.observe(chapter);

  search();
  update();
}
