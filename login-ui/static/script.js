// Comforts only: every page works without this file.
"use strict";

// A password can be looked at while it is typed, and is hidden again before it is sent.
for (const input of document.querySelectorAll("input[type=password]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "show";
  button.setAttribute("aria-label", "Show password");
  button.setAttribute("aria-controls", input.id);
  button.innerHTML =
    '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12Z"/>' +
    '<circle cx="12" cy="12" r="3"/><path class="slash" d="m4 4 16 16"/></svg>';
  const show = (shown) => {
    input.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  };
  button.addEventListener("click", () => show(input.type === "password"));
  input.form.addEventListener("submit", () => show(false));
  addEventListener("pagehide", () => show(false));
  show(false);
  input.parentElement.classList.add("with-show");
  input.after(button);
}

// What went wrong is read out first.
document.querySelector(".alert")?.focus();
