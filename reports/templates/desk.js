(() => {
  "use strict";
  const desk = document.getElementById("desk");
  const message = document.getElementById("message");
  const name = document.getElementById("name");
  let last = Promise.resolve();
  let waiting = 0;

  const tell = (words, fault) => {
    message.textContent = words;
    message.classList.toggle("fault", fault);
  };
  const put = (state) => {
    for (const [id, html] of Object.entries(state.html)) document.getElementById(id).innerHTML = html;
    for (const [id, words] of Object.entries(state.texts)) document.getElementById(id).textContent = words;
    for (const [id, value] of Object.entries(state.values)) {
      const field = document.getElementById(id);
      field.value = value;
      field.removeAttribute("aria-invalid");
      if (field.dataset.action === "cell") field.classList.toggle("edited", state.edited.includes(id));
      if (field.dataset.action === "lever") field.closest(".lever").classList.toggle("changed", state.changed.includes(id));
    }
    for (const slider of document.querySelectorAll("[data-for]")) slider.value = state.sliders[slider.dataset.for];
    document.getElementById("undo").disabled = !state.undo;
  };
  const busy = (more) => {
    waiting += more;
    desk.setAttribute("aria-busy", String(waiting > 0));
    document.querySelector("[data-action=solve]").disabled = waiting > 0;
  };
  const ask = async (action, body) => {
    const answer = await fetch(`do/${action}`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    if (action === "workbook" && answer.ok) {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(await answer.blob());
      link.download = "plan.xlsx";
      link.click();
      URL.revokeObjectURL(link.href);
      tell("", false);
      return;
    }
    const state = await answer.json();
    if (answer.ok) {
      put(state);
    } else if (body.id) {
      document.getElementById(body.id).setAttribute("aria-invalid", "true");
    }
    tell(state.message, !answer.ok);
    if (answer.ok && action === "keep") name.value = desk.dataset.default.replace("#", state.count);
  };
  // One after the other: what is typed while the last answer is on its way is not lost and not mixed up.
  const send = (action, body) => {
    busy(1);
    tell(desk.dataset.working, false);
    last = last.then(() => ask(action, body)).catch(() => tell(desk.dataset.gone, true)).finally(() => busy(-1));
  };

  desk.addEventListener("change", (event) => {
    const field = event.target;
    if (field.dataset.for) {
      send("lever", { id: field.dataset.for, text: field.value });
    } else if (field.dataset.action) {
      send(field.dataset.action, { id: field.id, text: field.value });
    }
  });
  desk.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-action]");
    if (button) send(button.dataset.action, { text: button.dataset.text || "" });
  });
  document.getElementById("keep").addEventListener("submit", (event) => {
    event.preventDefault();
    send("keep", { text: name.value });
  });
  // Enter and the arrows go up and down a column, as in a sheet.
  document.getElementById("grid").addEventListener("keydown", (event) => {
    const step = { Enter: event.shiftKey ? -1 : 1, ArrowDown: 1, ArrowUp: -1 }[event.key];
    const cell = event.target.closest("td");
    if (!step || !cell) return;
    event.preventDefault();
    const rows = [...document.querySelectorAll("#grid tbody tr")];
    const next = rows[rows.indexOf(cell.parentElement) + step];
    const field = next && next.children[cell.cellIndex].querySelector("input");
    if (field) {
      field.focus();
      field.select();
    } else {
      event.target.blur();
    }
  });
})();
