// Changes values of the document that a page shows, where they stand; says whether it is settled then, and, if it is, what
// lint finds, which is a question less. Says null where the page holds anything else than it was given, and has to be given
// a document as a whole.
(count, changes, mayLoad, asked) => {
  "use strict";
  const free = slots.known(Reflect.get(Document.prototype, "documentElement", document));
  const isKnown = ([index, before]) => slots.value(free[index]) === before;
  if (free.length !== count || !changes.every(isKnown)) return null;
  for (const [index, , after] of changes) slots.set(free[index], after);
  const settled = pressline.settled(false, mayLoad);
  try {
    return { settled, found: settled && asked ? pressline.lint(asked) : null };
  } catch {
    // Asked again after the capture, where an error costs no file.
    return { settled, found: null };
  }
}
