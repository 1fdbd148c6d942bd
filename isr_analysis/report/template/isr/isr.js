(() => {
  "use strict";
  const counterparts = JSON.parse(document.getElementById("isr-dark").textContent);
  const ground = window.matchMedia("(prefers-color-scheme: dark)");
  const coarse = window.matchMedia("(pointer: coarse)").matches;
  const PAPER = 680; // CSS pixels between the margins of a sheet
  const DATA = new Set(["x", "y", "z", "text", "customdata", "hovertext", "ids", "bdata"]);
  let printing = false;

  // A figure of ours is drawn for a light ground; on a dark one each colour is replaced by its counterpart.
  const recoloured = (value, key) => {
    if (typeof value === "string") return counterparts[value] ?? value;
    if (value === null || typeof value !== "object" || DATA.has(key)) return value;
    if (Array.isArray(value)) return value.map((one) => recoloured(one, ""));
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, recoloured(one, name)]));
  };

  const ours = (figure) => (figure.layout?.template?.layout?.paper_bgcolor ?? "") in counterparts;

  const draw = (element) => {
    const figure = JSON.parse(element.source);
    const drawn = ground.matches && !printing && ours(figure) ? recoloured(figure, "") : figure;
    element.classList.toggle("foreign", !ours(figure));
    const layout = { ...drawn.layout, autosize: true };
    if (coarse) layout.dragmode = false; // or a finger on a figure would not scroll the page
    if (printing) layout.width = PAPER;
    else delete layout.width;
    Plotly.react(element, drawn.data, layout, { responsive: true, displaylogo: false, displayModeBar: coarse ? false : "hover" });
    element.drawn = true;
  };

  const figures = [...document.querySelectorAll(".figure")];
  for (const element of figures) {
    element.source = element.querySelector("script").textContent;
    element.replaceChildren();
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
  figures.forEach((element) => seen.observe(element));

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
