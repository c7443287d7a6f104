// Runs before the first paint, so that nothing flashes: light or dark as chosen earlier, and that scripts run at all.
// And before any other script: what comes from outside can then add nothing to every object there is.
Object.freeze(Object.prototype);
document.documentElement.classList.add("js");
try {
  const chosen = localStorage.getItem("hansa.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be forbidden; then the system's choice holds.
}
