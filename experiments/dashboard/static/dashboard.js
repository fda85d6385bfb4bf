// Keeps the page up to date: asks every few seconds whether anything changed, and if so takes the
// page anew from the server, which has escaped all that is in it. Without it the page is complete.
"use strict";

const EVERY = 5000; // milliseconds
const UNITS = [[86400, "days"], [3600, "h"], [60, "min"]];

function written(seconds) {
  for (const [size, name] of UNITS) {
    if (seconds >= 2 * size) return `${Math.round(seconds / size)} ${name}`;
  }
  return `${Math.round(seconds)} s`;
}

async function asked(address) {
  const answer = await fetch(address, { cache: "no-store", redirect: "error" });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer;
}

async function renew(old) {
  const text = await (await asked(location.pathname)).text();
  const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("live");
  const places = [...old.querySelectorAll(".wide")].map((one) => one.scrollLeft);
  old.replaceWith(document.importNode(fresh, true));
  document.querySelectorAll("#live .wide").forEach((one, i) => { one.scrollLeft = places[i] || 0; });
}

async function look() {
  const live = document.getElementById("live");
  try {
    const pulse = await (await asked(live.dataset.pulse)).json();
    if (pulse.stamp !== live.dataset.stamp) await renew(live);
    const age = document.getElementById("age");
    if (age && pulse.age !== null) age.textContent = written(pulse.age);
    document.getElementById("lost").hidden = true;
  } catch {
    document.getElementById("lost").hidden = false;
  }
  setTimeout(look, EVERY);
}

setTimeout(look, EVERY);
