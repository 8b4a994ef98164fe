"use strict";
(() => {
  const { data, colour, fixed, stamp, axes, themed } = page;
  // Told apart by colour and by dashes: neither carries it alone.
  const tones = ["--accent", "--loss", "--gain", "--soft"], dashes = [[], [7, 4], [2, 3], [9, 3, 2, 3]];
  const tone = (run) => tones[run % tones.length], dash = (run) => dashes[(run + Math.floor(run / tones.length)) % dashes.length];

  const host = document.getElementById("equity"), output = document.querySelector('output[for="equity"]');
  // One axis for all: a value stands until the run's next one.
  const times = [...new Set(data.runs.flatMap((run) => run.time))].sort((a, b) => a - b);
  const columns = data.runs.map((run) => {
    let at = -1;
    return times.map((time) => {
      while (at + 1 < run.time.length && run.time[at + 1] <= time) at++;
      return at < 0 || time > run.time[run.time.length - 1] ? null : run.equity[at];
    });
  });
  const span = times.length ? [times[0], times[times.length - 1]] : [0, 1];
  let plot = null;

  function build() {
    plot?.destroy();
    const legend = document.getElementById("legend");
    legend.replaceChildren(...data.runs.map((run, i) => {
      const item = document.createElement("span");
      const line = `<svg viewBox="0 0 34 10" style="display:inline-block;width:34px;height:10px;vertical-align:middle"><line x1="0" x2="34" y1="5" y2="5" stroke="${colour(tone(i))}" stroke-width="2" stroke-dasharray="${dash(i).join(" ")}"/></svg>`;
      item.innerHTML = line;
      item.append(` ${run.label}\u2003`);
      return item;
    }));
    plot = new uPlot({
      width: host.clientWidth - 6, height: 280, legend: { show: false },
      tzDate: (time) => uPlot.tzDate(new Date(time * 1e3), "Etc/UTC"),
      scales: { x: { range: (_, min, max) => (min == null ? span : [Math.max(min, span[0]), Math.min(max, span[1])]) } },
      axes: axes(fixed),
      series: [{}, ...data.runs.map((run, i) => ({ label: run.label, stroke: () => colour(tone(i)), dash: dash(i), width: 1.5, points: { show: false }, paths: uPlot.paths.stepped({ align: 1 }) }))],
      cursor: { points: { size: 6 }, y: false },
      hooks: { setCursor: [(u) => {
        const { idx, left } = u.cursor;
        output.textContent = idx == null || left < 0 ? "" : `${stamp(times[idx])} · ` +
          data.runs.map((run, i) => `${run.label} ${columns[i][idx] == null ? "–" : fixed(columns[i][idx], data.digits)}`).join(" · ");
      }] },
    }, [times, ...columns], host);
  }

  addEventListener("resize", () => plot?.setSize({ width: host.clientWidth - 6, height: 280 }));
  themed(build);
})();
