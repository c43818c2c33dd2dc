// Runs in a component's page: where in its source something went wrong, and what React has to say of it.
const presslineFaults = (() => {
  "use strict";
  const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  // React as it is shipped has numbers in place of sentences; these are those that a component's author can cause.
  const SENTENCES = {
    31: (found) => `${found || "an object"} cannot be shown as it is; show a text or a number, such as one of its fields`,
    60: () => "an element has both children and dangerouslySetInnerHTML",
    61: () => "dangerouslySetInnerHTML takes an object, as in {{ __html: text }}",
    62: () => 'style takes an object, as in style={{ color: "red" }}, not a text',
    130: (type) => `what is used as a component is ${type || "none"}; is it defined, and imported under its right name?`,
    137: (tag) => `<${tag}> can have neither children nor dangerouslySetInnerHTML`,
    185: () => "a component sets its state again and again; look for an effect that sets what it depends on",
    300: () => "a hook was skipped: hooks are called every time, before any return",
    301: () => "a component sets its state each time that it renders; set it in an effect or a handler",
    310: () => "a hook was added: hooks are called every time, outside of conditions and loops",
    321: () => "a hook was called outside of a component's body",
    482: () => "a component cannot be async; load in an effect, and hold the capture with window.pressline.ready",
  };

  function numbers(text) {
    const found = [];
    let [value, shift] = [0, 0];
    for (const letter of text) {
      const digit = DIGITS.indexOf(letter);
      value += (digit & 31) << shift;
      shift += 5;
      if (digit & 32) continue;
      found.push(value & 1 ? -(value >>> 1) : value >>> 1);
      [value, shift] = [0, 0];
    }
    return found;
  }

  // The place in the source of a place in the compiled script, by its source map; all count from 0.
  function original(mappings, line, column) {
    let [sourceLine, sourceColumn, best] = [0, 0, null];
    for (const [at, segments] of mappings.split(";", line + 1).entries()) {
      let compiled = 0;
      for (const segment of segments.split(",").filter(Boolean)) {
        const [step, , lines, columns] = numbers(segment);
        compiled += step;
        sourceLine += lines;
        sourceColumn += columns;
        if (at === line && compiled <= column) best = { line: sourceLine, column: sourceColumn };
      }
    }
    return best;
  }

  // `opening` is what stands before the script on its first line.
  function place(error, mappings, opening) {
    const found = /component\.tsx:(\d+):(\d+)/.exec(error?.stack ?? "");
    if (!found) return "";
    const [line, column] = [Number(found[1]) - 1, Number(found[2]) - 1];
    const spot = original(mappings, line, line === 0 ? column - opening.length : column);
    return spot ? ` on line ${spot.line + 1}, column ${spot.column + 1}` : "";
  }

  function said(error) {
    const message = String(error?.message ?? error);
    const [, number, query] = /^Minified React error #(\d+); visit \S+?errors\/\d+(\S*)/.exec(message) ?? [];
    if (number === undefined) return message;
    const [first] = new URLSearchParams(query).getAll("args[]");
    return SENTENCES[number]?.(first) ?? `React refuses it, see https://react.dev/errors/${number}`;
  }

  return { place, said };
})();
