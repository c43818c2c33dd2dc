// Changes values of the document that a page shows, where they stand. Says whether it did: it does not where the page holds
// anything else than it was given.
(count, changes) => {
  "use strict";
  const { free } = slots.of(Reflect.get(Document.prototype, "documentElement", document));
  const isKnown = ([index, before]) => slots.value(free[index]) === before;
  if (free.length !== count || !changes.every(isKnown)) return false;
  for (const [index, , after] of changes) slots.set(free[index], after);
  return true;
}
