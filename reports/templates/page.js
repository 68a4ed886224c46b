(() => {
  "use strict";
  // A browser shows a drawing's own titles late and not at all on a touch screen; without this script they remain.
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  tip.setAttribute("aria-hidden", "true");
  document.body.append(tip);
  for (const title of document.querySelectorAll("svg title")) {
    title.parentNode.setAttribute("data-tip", title.textContent);
    title.remove();
  }
  const place = (x, y) => {
    const left = Math.min(Math.max(8, x + 14), window.innerWidth - tip.offsetWidth - 8);
    const above = y - tip.offsetHeight - 14;
    tip.style.left = `${left}px`;
    tip.style.top = `${above > 8 ? above : y + 18}px`;
  };
  const show = (event) => {
    const told = event.target instanceof Element ? event.target.closest("[data-tip]") : null;
    tip.hidden = told === null;
    if (told !== null) {
      tip.textContent = told.getAttribute("data-tip");
      place(event.clientX, event.clientY);
    }
  };
  document.addEventListener("pointermove", show);
  document.addEventListener("pointerdown", show);
  document.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });
})();
