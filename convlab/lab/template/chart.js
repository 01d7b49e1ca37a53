// A curve that grows: numbers over steps, in a box with its ends named.
import { build, buildShape, showMarked } from "./words.js";

const SIZE = { wide: 360, tall: 120 };
const MOST_POINTS = 360;

// lines: [{name, role}]; the scale is from 0 to `top`, or to the largest number.
export function makeChart(title, lines, top = null) {
  const paths = lines.map(({ role }) => buildShape("path", { class: role }));
  const label = build("span", { class: "quiet" });
  const picture = buildShape(
    "svg",
    { class: "chart", viewBox: `0 -4 ${SIZE.wide} ${SIZE.tall + 8}`, preserveAspectRatio: "none", role: "img" },
    ...paths,
  );
  const keys = lines.map(({ name, role }) => build("span", { class: `key ${role}` }, name));
  const element = build("figure", { class: "chart-box" }, build("figcaption", {}, build("strong", {}, title), " ", keys), picture, label);
  return {
    element,
    // lists: for each line [step, number] in order.
    show(lists) {
      const all = lists.flat();
      const last = all.reduce((most, [step]) => Math.max(most, step), 1);
      const reach = top ?? (all.reduce((most, [, value]) => Math.max(most, value), 0) || 1);
      lists.forEach((list, at) => {
        const every = Math.max(1, Math.ceil(list.length / MOST_POINTS));
        const points = list
          .filter((_, i) => i % every === 0 || i === list.length - 1)
          .map(([step, value]) => `${((step / last) * SIZE.wide).toFixed(1)} ${(SIZE.tall * (1 - Math.min(value / reach, 1))).toFixed(1)}`);
        paths[at].setAttribute("d", points.length ? `M${points.join("L")}` : "");
      });
      const ends = lists.map((list, at) => (list.length ? `${lines[at].name} ${showMarked(list.at(-1)[1])}` : null)).filter(Boolean);
      label.textContent = all.length ? last > 1 ? t`0 to ${showMarked(reach)}, ${last} steps; now ${ends.join(", ")}` : t`0 to ${showMarked(reach)}, 1 step; now ${ends.join(", ")}` : t`no step yet`;
      picture.setAttribute("aria-label", `${title}: ${label.textContent}`);
    },
  };
}
