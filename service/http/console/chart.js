// SPDX-License-Identifier: Apache-2.0
// A small chart of some series over the last minutes, with its newest figures in words.
import { el, setText, svg } from "./dom.js";

const WIDTH = 300;
const HEIGHT = 72;
const SLOTS_LEAST = 60; // a minute, until there is more

export class Chart {
  /** series: [{label, className, value: (sample) => number}], format: number → text */
  constructor(title, series, format) {
    Object.assign(this, { title, series, format });
    this.figures = series.map(({ label, className }) => ({ value: el("b", { class: "n" }, "–"), label, className }));
    this.lines = series.map(({ className }) => svg("polyline", { class: "line " + className, "vector-effect": "non-scaling-stroke" }));
    this.area = svg("polygon", { class: "area " + series[0].className });
    this.top = el("span", { class: "chart-top n" });
    this.drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": title },
      svg("line", { class: "rule", x1: 0, x2: WIDTH, y1: HEIGHT / 2, y2: HEIGHT / 2, "vector-effect": "non-scaling-stroke" }),
      this.area, ...this.lines);
    this.element = el("section", { class: "chart" }, el("h3", {}, title),
      el("p", { class: "figures" }, ...this.figures.map(({ value, label, className }) =>
        el("span", { class: "figure " + className }, value, el("span", { class: "label" }, label)))),
      el("div", { class: "plot" }, this.top, this.drawing));
  }

  draw(samples) {
    const newest = samples[samples.length - 1];
    const slots = Math.max(SLOTS_LEAST, samples.length);
    const values = this.series.map(({ value }) => samples.map(value));
    const top = niceTop(Math.max(0, ...values.flat().filter(Number.isFinite)));
    setText(this.top, this.format(top));
    values.forEach((list, index) => {
      const points = pointsOf(list, top, slots);
      this.lines[index].setAttribute("points", points.map((point) => point.join(",")).join(" "));
      if (index === 0) this.area.setAttribute("points", areaOf(points));
      setText(this.figures[index].value, newest ? this.format(list[list.length - 1]) : "–");
    });
    this.drawing.setAttribute("aria-label", this.title + ": " +
      this.figures.map(({ value, label }) => `${label} ${value.textContent}`).join(", "));
  }
}

/** Where there is nothing (no batch ended), the line goes on from what was before. */
function pointsOf(list, top, slots) {
  const step = WIDTH / (slots - 1);
  const first = slots - list.length;
  return list.map((value, index) => [value, (first + index) * step])
    .filter(([value]) => Number.isFinite(value))
    .map(([value, x]) => [x.toFixed(1), (HEIGHT - 2 - value / top * (HEIGHT - 6)).toFixed(1)]);
}

function areaOf(points) {
  if (points.length < 2) return "";
  return [[points[0][0], HEIGHT], ...points, [points[points.length - 1][0], HEIGHT]].map((point) => point.join(",")).join(" ");
}

/** 1, 2 or 5 and noughts: an axis that does not move with every figure. */
export function niceTop(value) {
  if (!(value > 0)) return 1;
  const ten = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * ten).find((each) => each >= value);
}
