function render({ model, el }) {
  el.classList.add("isr-secret");
  const label = document.createElement("label");
  const text = document.createElement("span");
  const field = document.createElement("input");
  const button = document.createElement("button");
  field.type = "password";
  field.autocomplete = "off";
  field.spellcheck = false;
  label.append(text, field);
  el.append(label, button);
  const draw = () => {
    text.textContent = model.get("label");
    button.textContent = model.get("action");
    field.placeholder = model.get("hint");
    field.disabled = button.disabled = model.get("disabled");
  };
  const give = () => {
    const secret = field.value;
    field.value = "";
    try {
      if (secret) model.send({ secret });
    } catch { // nobody hears it any more
      field.placeholder = "not sent, as the kernel has ended: run this cell again";
    }
  };
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") { event.preventDefault(); give(); }
  });
  button.addEventListener("click", give);
  model.on("change", draw);
  draw();
  return () => { field.value = ""; model.off("change", draw); };
}
export default { render };
