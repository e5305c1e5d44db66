// What the themes leave undone. It runs before their scripts, on the whole page; each line does nothing where there
// is nothing to mend.

// The theme's second bar is not shown (book.css), yet its scripts would take their menu buttons from it, the first of
// the page. They measure the bar itself, so it stays, empty.
document.getElementById("pst-header")?.replaceChildren();

// The theme takes the focus from a button that was clicked, so that its tooltip goes. It goes here too: what is left
// is the browser's own. So who closes the menu by a key is back at the button that opened it.
for (const button of document.querySelectorAll(".bd-header-article button")) {
  if (button.dataset.bsToggle === "tooltip") delete button.dataset.bsToggle;
  button.blur = () => {};
}

const names = { "primary-sidebar": "Menu", "secondary-sidebar": "Contents" };
for (const [sidebar, name] of Object.entries(names)) {
  const button = document.querySelector(`.bd-header-article .${sidebar.split("-")[0]}-toggle`);
  const dialog = document.getElementById(`pst-${sidebar}-modal`);
  button?.setAttribute("title", name);
  button?.setAttribute("aria-label", name);
  dialog?.setAttribute("aria-label", name);
  // A link to a place on this page leads there: the dialog goes first, and the focus is not called back to the button.
  dialog?.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (!link) return;
    event.preventDefault();
    dialog.addEventListener("close", () => setTimeout(() => location.assign(link.href)), { once: true });
    dialog.close();
  });
}

// What is read aloud is what is seen.
document.querySelectorAll(".search-button-field, summary").forEach((seen) => seen.removeAttribute("aria-label"));
document.querySelectorAll(".theme-switch").forEach((icon) => {
  // Its button has the name. The icon may have been drawn already, or be drawn later from what stands here.
  icon.querySelector("title")?.remove();
  ["title", "aria-labelledby", "role"].forEach((name) => icon.removeAttribute(name));
  icon.setAttribute("aria-hidden", "true");
});

// The bibliography is marked as a list, and a list has items.
document.querySelectorAll(".citation-list > .citation").forEach((item) => item.setAttribute("role", "listitem"));

// On paper nothing is folded, and the ground is white.
let folded = [];
const theme = {};
window.addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  folded.forEach((one) => (one.open = true));
  theme.before = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
});
window.addEventListener("afterprint", () => {
  folded.forEach((one) => (one.open = false));
  document.documentElement.dataset.theme = theme.before;
});
