// Runs before the scripts of a document: gives it `window.pressline.ready(promise)`, which holds the capture back until
// the promise is settled, and keeps its first errors. A document may replace all that it can reach, so nothing of it is
// used later.
(() => {
  "use strict";
  const [MOST, LONGEST] = [10, 200];
  const { apply } = Reflect;
  const { slice } = String.prototype;
  const { get: readyState } = Object.getOwnPropertyDescriptor(Document.prototype, "readyState");
  const state = { open: 0, failed: null };
  // Lines and messages in turn, each with a NUL behind it.
  let [kept, count] = ["", 0];

  function reason(value) {
    try {
      return String(value);
    } catch {
      return "an object";
    }
  }

  function ready(promise) {
    state.open += 1;
    const fail = (value) => {
      const message = `The promise given to window.pressline.ready was rejected: ${reason(value)}`;
      state.failed ??= { code: "TEMPLATE_ERROR", message: apply(slice, message, [0, 5 * LONGEST]) };
    };
    Promise.resolve(promise).catch(fail).finally(() => (state.open -= 1));
  }

  // What was written to the console. Nothing of the document is run to find that out.
  function said(value) {
    if (typeof value === "string") return value;
    if (value === null || !["object", "function", "symbol"].includes(typeof value)) return `${value}`;
    const message = value instanceof Error && Object.getOwnPropertyDescriptor(value, "message")?.value;
    return typeof message === "string" ? message : "an object";
  }

  function keep(text, line = 0) {
    if (count++ < MOST) kept += `${line}\0${apply(slice, text, [0, LONGEST])}\0`;
  }

  const { error } = console;
  console.error = (...values) => {
    keep(values.slice(0, MOST).map(said).join(" "));
    return apply(error, console, values);
  };
  addEventListener("error", (event) => {
    if (event instanceof ErrorEvent) keep(event.message, event.lineno);
  });
  addEventListener("unhandledrejection", (event) => keep(`Uncaught (in promise) ${said(event.reason)}`));

  // All that outlives what a page showed before.
  if (window === top) window.name = "";

  Object.defineProperty(window, "pressline", { value: Object.freeze({ ready }) });
  Object.defineProperty(window, Symbol.for("pressline.state"), { value: state });
  // In one answer: a script may call ready between two.
  const now = () => ({ open: state.open, failed: state.failed, loaded: apply(readyState, document, []) === "complete" });
  Object.defineProperty(window, "presslinePage", { value: Object.freeze({ state: now, errors: () => kept }) });
})()
