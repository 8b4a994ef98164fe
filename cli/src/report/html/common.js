"use strict";
// What every page does: its data, numbers and times as text, axes, light and dark, printing.
const page = (() => {
  const root = document.documentElement;
  const data = JSON.parse(document.getElementById("data").textContent);
  const MINUS = "\u2212";
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const fixed = (value, digits) =>
    value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", MINUS);
  const stamp = (time) => {
    const text = new Date(time * 1000).toUTCString(); // Thu, 01 May 2014 12:00:00 GMT
    return text.slice(5, 16).replace(/^0/, "") + " " + text.slice(17, 25);
  };

  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

  // Days as `2 May`, years at January, hours as `14:30`; the day again where it changes.
  function calendar(_, ticks, __, ___, step) {
    let before = null;
    return ticks.map((tick) => {
      const date = new Date(tick * 1000), day = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
      const year = date.getUTCFullYear();
      if (step >= 28 * 86400) return date.getUTCMonth() === 0 || before === null ? ((before = year), `${MONTHS[date.getUTCMonth()]} ${year}`) : MONTHS[date.getUTCMonth()];
      if (step >= 86400) return day;
      const clock = date.toISOString().slice(11, step < 60 ? 19 : 16), text = day === before ? clock : clock.startsWith("00:00") ? day : `${day} ${clock}`;
      before = day;
      return text;
    });
  }

  function axes(format, splits) {
    const common = { stroke: () => colour("--soft"), font: "12px system-ui, sans-serif", ticks: { show: false } };
    const grid = { stroke: () => colour("--grid"), width: 1 };
    // As many decimals as the distance between two ticks has.
    const digits = (step) => { let count = 0; while (count < 9 && Math.abs(step - Number(step.toFixed(count))) > step / 1e6) count++; return count; };
    return [
      { ...common, grid, space: 96, size: 28, values: calendar },
      { ...common, grid, size: 84, gap: 8, space: 24, ...(splits && { splits }), values: (_, ticks, __, ___, step) => ticks.map((tick) => (tick == null ? "" : format(tick, digits(step)))) },
    ];
  }

  // Draws with `build`, anew whenever the theme changes: the system's until somebody chooses. Paper is light.
  function themed(build) {
    const system = matchMedia("(prefers-color-scheme: dark)");
    let chosen = null;
    try { chosen = localStorage.getItem("genovo-theme"); } catch { /* A file opened from disk may have no storage. */ }
    const button = document.getElementById("theme");
    function theme() {
      const dark = chosen ? chosen === "dark" : system.matches;
      root.dataset.theme = dark ? "dark" : "light";
      button.textContent = dark ? "Light" : "Dark";
      build();
    }
    button.addEventListener("click", () => {
      chosen = root.dataset.theme === "dark" ? "light" : "dark";
      try { localStorage.setItem("genovo-theme", chosen); } catch { /* As above. */ }
      theme();
    });
    system.addEventListener("change", theme);
    addEventListener("beforeprint", () => { root.dataset.theme = "light"; build(); });
    addEventListener("afterprint", theme);
    theme();
  }

  return { data, colour, fixed, stamp, axes, themed };
})();
