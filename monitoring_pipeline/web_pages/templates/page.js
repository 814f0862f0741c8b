"use strict";
for (const button of document.querySelectorAll("button[data-copies]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copies);
    try {
      await navigator.clipboard.writeText(text.value);
    } catch {
      text.hidden = false;
      text.select();
      document.execCommand("copy");
      text.hidden = true;
    }
    button.textContent = "Copied";
  });
}
for (const input of document.querySelectorAll("[data-filters]")) {
  input.closest("form").hidden = false;
  const form = input.closest("form");
  form.addEventListener("submit", (event) => event.preventDefault());
  input.addEventListener("input", () => {
    const wanted = [...form.querySelectorAll("[data-filters]")].map((field) => field.value.toLowerCase());
    for (const line of document.querySelectorAll(input.dataset.filters)) {
      const text = line.textContent.toLowerCase();
      line.hidden = !wanted.every((words) => text.includes(words));
    }
  });
}
const openTarget = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
  if (target) target.scrollIntoView();
};
addEventListener("hashchange", openTarget);
openTarget();
addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details.past, details.more")) part.open = true;
});
