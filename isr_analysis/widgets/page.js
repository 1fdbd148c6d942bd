function render({ model, el }) {
  el.style.display = "none";
  const dark = () => document.body.dataset.jpThemeLight === "false";
  const send = (said) => { try { model.send(said); } catch { /* the kernel was restarted: nobody hears it any more */ } };
  const tell = () => { if (!document.hidden) send({ seen: true, dark: dark() }); };
  // JupyterLab takes arrows, letters and Enter on a list or a button for commands of the notebook, unless the very
  // element that has the focus says that they are its own. Ctrl-S and the like stay Lab's, but for Ctrl-A in a list.
  const keys = (event) => {
    if (event.target.closest?.(".isr-widget")) {
      const all = event.key === "a" && event.target.multiple;
      const own = all || !(event.ctrlKey || event.metaKey || event.altKey);
      event.target.toggleAttribute("data-lm-suppress-shortcuts", own);
    }
  };
  window.addEventListener("keydown", keys, true);
  // A button that is out of use while its work is under way loses the focus, and gets it back unless that is elsewhere.
  let last = null;
  const taken = (event) => { last = event.target.closest?.(".isr-widget button"); };
  for (const name of ["focusin", "pointerdown"]) window.addEventListener(name, taken, true);
  const freed = new MutationObserver(() => {
    if (last?.isConnected && !last.disabled && document.activeElement === document.body) last.focus({ preventScroll: true });
  });
  freed.observe(document.body, { subtree: true, attributeFilter: ["disabled"] });
  const theme = new MutationObserver(tell);
  theme.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  document.addEventListener("visibilitychange", tell);
  const every = model.get("every");
  const timer = every ? setInterval(tell, 1000 * every) : 0;
  tell();
  return () => {
    clearInterval(timer);
    theme.disconnect();
    freed.disconnect();
    for (const name of ["focusin", "pointerdown"]) window.removeEventListener(name, taken, true);
    window.removeEventListener("keydown", keys, true);
    document.removeEventListener("visibilitychange", tell);
    send({ seen: false });
  };
}
export default { render };
