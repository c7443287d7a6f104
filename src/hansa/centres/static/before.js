// Runs before the first paint, so that nothing flashes: light or dark as chosen earlier, and that scripts run at all.
document.documentElement.classList.add("js");
try {
  const chosen = localStorage.getItem("hansa.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be forbidden; then the system's choice holds.
}
