"use strict";
(() => {
  const { data, colour, fixed, stamp, axes, themed } = page;
  const percent = (value, digits = 1) => fixed(value * 100, digits) + "\u00a0%";
  // Times travel as differences in milliseconds.
  const times = (steps) => { let at = 0; return steps.map((step) => (at += step) / 1000); };
  // Through a long silence the last value stands; without this a line would slope towards the next one.
  function hold(curve, ...others) {
    const at = curve.time, steps = at.slice(1).map((time, i) => time - at[i]).sort((a, b) => a - b);
    const long = Math.max(60, 12 * (steps[steps.length >> 1] ?? 0));
    const columns = [curve.last, curve.low, curve.high, ...others].filter(Boolean);
    for (let i = at.length - 1; i > 0; i--) {
      if (at[i] - at[i - 1] <= long) continue;
      const last = curve.last[i - 1];
      at.splice(i, 0, at[i - 1] + 0.001, at[i] - 0.001);
      for (const column of columns) {
        const value = others.includes(column) ? column[i - 1] : last;
        column.splice(i, 0, value, value);
      }
    }
  }
  for (const curve of [data.equity, data.exposure, ...data.prices]) curve.time = times(curve.time);
  hold(data.equity, data.drawdown);
  data.prices.forEach((curve) => hold(curve));

  const [from, to] = data.span;
  const charts = [];
  const zoomed = { min: from, max: to };

  function chart({ id, splits, series, columns, format, height, y, bands, markers, said }) {
    const host = document.getElementById(id);
    if (!host) return;
    const output = document.querySelector(`output[for="${id}"]`);
    const options = {
      width: host.clientWidth - 6, height, series: [{}, ...series], bands, axes: axes(format, splits), legend: { show: false },
      tzDate: (time) => uPlot.tzDate(new Date(time * 1e3), "Etc/UTC"),
      scales: { x: { range: (_, min, max) => (min == null ? [from, to] : [Math.max(min, from), Math.min(max, to)]) }, y: y ? { range: y } : {} },
      cursor: { sync: { key: "report", scales: ["x", null] }, drag: { x: true, y: false, setScale: false }, points: { size: 6 }, y: false },
      hooks: {
        setSelect: [(u) => {
          if (u.select.width > 3) zoom(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"));
          if (u.select.width > 0) u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        }],
        setCursor: [(u) => {
          const { idx, left } = u.cursor;
          output.textContent = idx == null || left < 0 ? "" : said(u, idx, left);
        }],
        draw: markers ? [markers] : [],
      },
    };
    const plot = new uPlot(options, columns, host);
    plot.over.addEventListener("dblclick", () => zoom(from, to));
    charts.push({ plot, host });
  }

  function zoom(min, max) {
    Object.assign(zoomed, { min, max });
    for (const { plot } of charts) plot.setScale("x", { min, max });
  }

  const value = (format) => (u, i) => `${stamp(u.data[0][i])} · ${format(u.data[1][i])}`;
  const area = (line, fill, more) => ({ stroke: () => colour(line), fill: () => colour(fill), width: 1.25, points: { show: false }, ...more });
  const hidden = { stroke: "transparent", points: { show: false } };
  const bandOf = () => [{ series: [3, 2], fill: () => colour("--band") }];

  // To one digit that counts: 1,340 % gives 1,000 %.
  function roundDown(value) {
    if (value <= 0) return 0;
    const power = 10 ** Math.floor(Math.log10(value));
    return Math.floor(value / power + 1e-9) * power;
  }

  function fillsOf(instrument) { return data.fills.filter((fill) => fill.i === instrument); }

  function triangles(fills) {
    return (u) => {
      const { ctx } = u, { min, max } = u.scales.x;
      const shown = fills.filter((fill) => fill.t >= min && fill.t <= max);
      const many = shown.length > 200, size = (many ? 3.5 : 5.5) * devicePixelRatio;
      ctx.save();
      ctx.beginPath(); ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height); ctx.clip();
      for (const fill of shown) {
        const x = u.valToPos(fill.t, "x", true), y = u.valToPos(fill.p, "y", true);
        const up = fill.s > 0 ? 1 : -1;
        ctx.beginPath();
        ctx.moveTo(x, y - up * size * 0.2); ctx.lineTo(x - size * 0.8, y + up * size * 1.3); ctx.lineTo(x + size * 0.8, y + up * size * 1.3); ctx.closePath();
        ctx.fillStyle = colour(fill.s > 0 ? "--gain" : "--loss");
        ctx.strokeStyle = colour("--panel"); ctx.lineWidth = devicePixelRatio;
        ctx.fill(); if (!many) ctx.stroke();
      }
      ctx.restore();
    };
  }

  function build() {
    for (const { plot } of charts.splice(0)) plot.destroy();
    const { equity, exposure } = data, digits = data.digits;
    const money = (value) => fixed(value, digits);
    chart({
      id: "equity", height: 240, format: fixed, bands: bandOf(),
      series: [area("--accent", "--none", { fill: undefined }), hidden, hidden],
      columns: [equity.time, equity.last, equity.low, equity.high], said: value(money),
    });
    chart({
      id: "drawdown", height: 120, format: (value, digits) => percent(value, Math.max(0, digits - 2)), y: (_, min) => [Math.min(min * 1.05, -0.001), 0],
      series: [area("--loss", "--fall", {})], columns: [equity.time, data.drawdown], said: value((share) => percent(share)),
    });
    const shown = data.prices[Number(document.getElementById("instrument")?.value ?? 0)];
    if (shown) {
      const fills = fillsOf(shown.name);
      const exact = (value) => fixed(value, shown.digits);
      chart({
        id: "price", height: 270, format: fixed, bands: bandOf(), markers: triangles(fills),
        series: [area("--soft", "--none", { fill: undefined }), hidden, hidden],
        columns: [shown.time, shown.last, shown.low, shown.high],
        said: (u, i, left) => {
          let near = null, distance = 8;
          for (const fill of fills) {
            const away = Math.abs(u.valToPos(fill.t, "x") - left);
            if (away < distance) { near = fill; distance = away; }
          }
          if (!near) return `${stamp(u.data[0][i])} · ${exact(u.data[1][i])}`;
          return `${stamp(near.t)} · order ${near.o}: ${near.s > 0 ? "buy ▲" : "sell ▼"} ${near.q} at ${exact(near.p)}`;
        },
      });
    }
    chart({
      id: "exposure", height: 120,
      y: (_, min, max) => { const most = Math.max(-min, max, 0.01) * 1.15; return [min < 0 ? -most : 0, max > 0 ? most : 0]; },
      format: (value) => percent(value, Math.abs(value) < 0.01 && value ? 2 : 0),
      splits: (u) => [-roundDown(-u.scales.y.min), 0, roundDown(u.scales.y.max)].filter((tick, i) => i === 1 || tick),
      series: [area("--accent", "--band", { paths: uPlot.paths.stepped({ align: 1 }) })],
      columns: [exposure.time, exposure.last], said: value((share) => percent(share)),
    });
    if (zoomed.min !== from || zoomed.max !== to) zoom(zoomed.min, zoomed.max);
  }

  themed(build);

  // Tables sort by the column whose heading is pressed.
  for (const table of document.querySelectorAll("table.sortable")) {
    table.querySelectorAll("thead th").forEach((head, column) => {
      const press = head.querySelector("button");
      press?.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") === "descending" ? 1 : head.getAttribute("aria-sort") === "ascending" ? -1 : head.dataset.first === "up" ? 1 : -1;
        table.querySelectorAll("thead th").forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up > 0 ? "ascending" : "descending");
        const key = (row) => { const cell = row.cells[column]; return cell.dataset.v === undefined ? cell.textContent : Number(cell.dataset.v); };
        const rows = [...table.tBodies[0].rows].map((row) => [key(row), row]);
        rows.sort(([a], [b]) => (a < b ? -up : a > b ? up : 0));
        table.tBodies[0].append(...rows.map(([, row]) => row));
      });
    });
  }

  // Commands to copy.
  const said = document.getElementById("said");
  function say(text) { said.textContent = text; said.classList.add("on"); setTimeout(() => said.classList.remove("on"), 1800); }
  document.addEventListener("click", async (event) => {
    const order = event.target.dataset?.order;
    if (!order) return;
    const command = `genovo audit explain ${data.journal} --order ${order}`;
    try { await navigator.clipboard.writeText(command); say("Copied: " + command); } catch { prompt("Copy this command:", command); }
  });
})();
