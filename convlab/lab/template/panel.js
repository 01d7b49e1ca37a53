// The panel of numbers on a narrow screen: it lies over the lower part, and what was tapped is
// brought to where it can be seen.

const AROUND = 12; // pixels around what was tapped
const NARROW = "(max-width: 59.99rem)"; // as in style.css

export function startPanel(store, { columnOf }, lens) {
  const { state } = store;
  const panel = document.getElementById("panel");
  const network = document.getElementById("network");
  const narrow = matchMedia(NARROW);

  // Where the unit is on the screen: its cell in the overview or, large, the one that is marked.
  function placeOfUnit() {
    if (state.view) return lens.place()?.getBoundingClientRect() ?? null;
    const cell = network.querySelector(".viewport .overlay .unit");
    if (cell) return cell.getBoundingClientRect();
    const { layer, unit } = state.unit;
    return columnOf(layer)?.reveal(unit[0])?.getBoundingClientRect() ?? null;
  }

  function bringIntoSight() {
    if (!state.unit || !state.pinned || !narrow.matches) return;
    const place = placeOfUnit();
    if (!place) return;
    const floor = Math.min(innerHeight, panel.getBoundingClientRect().top) - AROUND;
    if (place.bottom > floor) scrollBy({ top: place.bottom - floor, behavior: "instant" });
    else if (place.top < AROUND) scrollBy({ top: place.top - AROUND, behavior: "instant" });
  }

  let again = 0;
  store.listen((keys) => {
    if (!["pinned", "unit", "layer"].some((key) => keys.has(key))) return;
    cancelAnimationFrame(again);
    // After the sums have been written, and the panel has its height.
    again = requestAnimationFrame(() => {
      again = requestAnimationFrame(bringIntoSight);
    });
  });
}
