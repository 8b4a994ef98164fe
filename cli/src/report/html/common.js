"use strict";
// What every page does: its data, numbers and times as text, light and dark, printing.
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

  return { data, colour, fixed, stamp, themed };
})();
