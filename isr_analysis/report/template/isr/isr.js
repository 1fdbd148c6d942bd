(() => {
  "use strict";
  const counterparts = JSON.parse(document.getElementById("isr-dark").textContent);
  const ground = window.matchMedia("(prefers-color-scheme: dark)");
  const coarse = window.matchMedia("(pointer: coarse)").matches;
  // CSS pixels of a sheet: between its margins, below a heading and its words, and what is left above a legend.
  const PAPER = { width: 680, height: 900, below: 740, room: 300 };
  const DATA = new Set(["x", "y", "z", "text", "customdata", "hovertext", "ids", "bdata"]);
  const MOST = 60; // figures that are drawn before they come near
  const NARROW = { width: 500, name: 16 }; // CSS pixels; characters of a name beside an axis there
  let printing = false;

  // A figure of ours is drawn for a light ground; on a dark one each colour is replaced by its counterpart.
  const recoloured = (value, key) => {
    if (typeof value === "string") return counterparts[value] ?? value;
    if (value === null || typeof value !== "object" || DATA.has(key)) return value;
    if (Array.isArray(value)) return value.map((one) => recoloured(one, ""));
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, recoloured(one, name)]));
  };

  const ours = (figure) => (figure.layout?.template?.layout?.paper_bgcolor ?? "") in counterparts;

  // Beside long names nothing would be left of a figure on a phone: their middles are cut out, as far as they stay apart.
  const shortened = (names) => {
    const page = new DOMParser();
    const whole = names.map((one) => page.parseFromString(String(one), "text/html").body.textContent);
    const longest = Math.max(...whole.map((one) => one.length));
    for (let most = NARROW.name; most < longest; most += 4) {
      const head = Math.ceil(most / 2) - 1;
      const cut = whole.map((one) => (one.length > most ? `${one.slice(0, head)}…${one.slice(head + 1 - most)}` : one));
      if (new Set(cut).size < new Set(whole).size) continue;
      return cut.map((one) => one.replaceAll("&", "&amp;").replaceAll("<", "&lt;"));
    }
    return null;
  };

  const withShortNames = (layout) => {
    for (const [key, axis] of Object.entries(layout)) {
      if (!key.startsWith("yaxis") || !axis.categoryarray?.length) continue;
      const tickvals = axis.tickvals ?? axis.categoryarray;
      const ticktext = shortened(axis.ticktext ?? tickvals);
      if (ticktext) layout[key] = { ...axis, tickvals, ticktext };
    }
  };

  const unpacked = async (text) => {
    const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  };

  const draw = (element) => {
    if (!element.source) return;
    const figure = JSON.parse(element.source);
    const drawn = ground.matches && !printing && ours(figure) ? recoloured(figure, "") : figure;
    element.classList.toggle("foreign", !ours(figure));
    const layout = { ...drawn.layout, autosize: true };
    if (coarse) layout.dragmode = false; // or a finger on a figure would not scroll the page
    delete layout.width;
    if (printing) {
      layout.width = PAPER.width;
      layout.height = Math.min(0.8 * (layout.height ?? 450), PAPER.height);
      if (layout.showlegend) { // paper does not scroll: all names, in smaller letters
        layout.height = Math.min(layout.height, PAPER.below);
        const maxheight = Math.max(layout.height / 2, layout.height - PAPER.room);
        layout.legend = { ...layout.legend, font: { size: 8 }, itemwidth: 30, maxheight };
      }
    } else if (element.clientWidth < NARROW.width) {
      withShortNames(layout);
    }
    element.style.minHeight = `${layout.height ?? 450}px`;
    Plotly.react(element, drawn.data, layout, { responsive: true, displaylogo: false, displayModeBar: coarse ? false : "hover" });
    element.drawn = true;
  };

  const figures = [...document.querySelectorAll(".figure")];
  if (typeof DecompressionStream === "undefined") {
    figures.forEach((element) => element.append("This browser cannot unpack the figure; one of 2023 or later can."));
    return;
  }

  const seen = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        seen.unobserve(target);
        draw(target);
      }
    },
    { rootMargin: "800px" },
  );
  // Unpacked at once, drawn when they come near: printing does not wait for what is unpacked later.
  const ready = figures.map(async (element) => {
    const script = element.querySelector("script");
    element.source = await unpacked(script.textContent);
    script.remove();
    seen.observe(element);
  });

  // The others are drawn when nothing else is to do, unless they are many: a picture of the whole page has them, too.
  const idle = window.requestIdleCallback ?? ((work) => setTimeout(work, 100));
  const further = figures.slice(0, MOST);
  const drawNext = () => {
    const element = further.shift();
    if (!element) return;
    idle(drawNext);
    if (!element.drawn) draw(element);
  };
  Promise.all(ready).then(() => idle(drawNext));

  ground.addEventListener("change", () => figures.filter((element) => element.drawn).forEach(draw));
  const contents = document.querySelector(".contents details");
  if (contents && window.innerWidth < 1240) contents.open = false;
  window.addEventListener("beforeprint", () => {
    printing = true;
    if (contents) contents.open = true;
    figures.forEach(draw);
  });
  window.addEventListener("afterprint", () => {
    printing = false;
    figures.forEach(draw);
  });
})();
