"use strict";
// Heads of tables become buttons that sort: by a column, the other way round, and as it
// was. Without this script the tables are as they are, and nothing is missing.

const order = new Intl.Collator("en", { numeric: true });

function shown(row, column) {
  // The first text of a cell is its value; an interval may follow in an element.
  const cell = row.cells[column];
  const first = cell.firstChild;
  return ((first && first.nodeType === Node.TEXT_NODE ? first : cell).textContent || "").trim();
}

function number(text) {
  return Number.parseFloat(text.replaceAll("−", "-").replaceAll(/\s/g, ""));
}

function blocks(table) {
  // Rows that belong together, such as the quantities of a method, stay together.
  const found = [];
  for (const row of table.tBodies[0].rows) {
    if (!found.length || !table.classList.contains("blocks") || row.classList.contains("first")) {
      found.push([]);
    }
    found.at(-1).push(row);
  }
  return found;
}

function compare(column, numeric, sign) {
  return (one, other) => {
    const [a, b] = [shown(one[0], column), shown(other[0], column)];
    if (!numeric) return sign * order.compare(a, b);
    const [x, y] = [number(a), number(b)];
    // What there is not comes last, whichever way.
    const [first, second] = [Number.isFinite(x), Number.isFinite(y)];
    if (!first || !second) return second - first;
    return sign * (x - y);
  };
}

function sort(table, heads, head, original) {
  const numeric = head.classList.contains("num");
  const [first, second] = numeric ? ["descending", "ascending"] : ["ascending", "descending"];
  const before = head.getAttribute("aria-sort");
  const next = before === first ? second : before === second ? null : first;
  heads.forEach((other) => other.removeAttribute("aria-sort"));
  if (next) head.setAttribute("aria-sort", next);
  const sign = next === "descending" ? -1 : 1;
  const rows = next ? [...original].sort(compare(head.cellIndex, numeric, sign)) : original;
  table.classList.toggle("sorted", Boolean(next));
  table.tBodies[0].append(...rows.flat());
}

for (const table of document.querySelectorAll("table.data")) {
  const original = blocks(table);
  if (original.length < 2) continue;
  const heads = [...table.tHead.rows[0].cells];
  for (const head of heads) {
    if (!head.textContent) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sort(table, heads, head, original));
  }
}
