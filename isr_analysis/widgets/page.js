function render({ model, el }) {
  el.style.display = "none";
  const dark = () => document.body.dataset.jpThemeLight === "false";
  const send = (said) => { try { model.send(said); } catch { /* the kernel was restarted: nobody hears it any more */ } };
  const tell = () => { if (!document.hidden) send({ seen: true, dark: dark() }); };
  // JupyterLab takes arrows, letters and Enter on a list or a button for commands of the notebook, unless the very
  // element that has the focus says that they are its own. Ctrl-S and the like stay Lab's.
  const keys = (event) => {
    if (event.target.closest?.(".isr-widget")) {
      const own = !(event.ctrlKey || event.metaKey || event.altKey);
      event.target.toggleAttribute("data-lm-suppress-shortcuts", own);
    }
  };
  window.addEventListener("keydown", keys, true);
  const theme = new MutationObserver(tell);
  theme.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  document.addEventListener("visibilitychange", tell);
  const every = model.get("every");
  const timer = every ? setInterval(tell, 1000 * every) : 0;
  tell();
  return () => {
    clearInterval(timer);
    theme.disconnect();
    window.removeEventListener("keydown", keys, true);
    document.removeEventListener("visibilitychange", tell);
    send({ seen: false });
  };
}
export default { render };
