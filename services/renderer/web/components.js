// Runs in the compiler page: turns JSX and TSX into JavaScript, line by line, without running it.
(() => {
  "use strict";
  const COMPONENTS_KEPT = 64;
  const OPTIONS = {
    transforms: ["jsx", "typescript", "imports"],
    jsxRuntime: "automatic",
    production: true,
    filePath: "component.tsx",
    sourceMapOptions: { compiledFilename: "component.js" },
  };
  const PARSING = { sourceType: "module", plugins: ["jsx", "typescript"] };
  const LONGEST_SHOWN = 80;
  const components = new Map();

  // Sucrase is quick because it hardly looks: it takes tags that do not match, and names the wrong place for most
  // mistakes in an arrow function. So a new source is read by a parser first that tells what is wrong.
  function check(body) {
    try {
      babel.parse(body, PARSING);
    } catch (error) {
      throw error.loc ? new Error(explained(error, body)) : error;
    }
  }

  function explained({ message, loc }, body) {
    const line = body.split(/\r\n?|\n/, loc.line)[loc.line - 1].trim();
    const shown = line.length > LONGEST_SHOWN ? `${line.slice(0, LONGEST_SHOWN)}…` : line;
    const place = `line ${loc.line}, column ${loc.column + 1}${shown && `, in "${shown}"`}`;
    return `The source does not compile on ${place}: ${message.replace(/\.? \(\d+:\d+\)$/, "").replace(/\w$/, "$&.")}`;
  }

  // A compiled component: its script, whether it asks for QR codes and barcodes, and what may be class names in it.
  function compile(body, tailwind) {
    check(body);
    const { code, sourceMap } = sucrase.transform(body, OPTIONS);
    const script = code.toWellFormed();
    return { script, mappings: sourceMap.mappings, codes: /\brequire\(['"]pressline['"]\)/.test(script), words: tailwind ? pressline.tailwind.words(body) : null };
  }

  // Its class names are in the source and in the row: what it shows is known only once it runs.
  function styled({ words, ...compiled }, { id, styles, data }) {
    const found = pressline.tailwind.wordsOfRow(parseRow(data || "{}"), new Set(words));
    const made = pressline.tailwind.css(id, styles, found);
    return made.code ? made : { ...compiled, styles: made.css };
  }

  // Compiles a component, or finds the one that was compiled before; null when its source must be sent first.
  function component({ id, body, styles, tailwind, data }) {
    try {
      const known = components.get(id);
      if (!known && body === null) return null;
      const compiled = keep(components, id, known ?? compile(body, tailwind), COMPONENTS_KEPT);
      if (tailwind) return styled(compiled, { id, styles, data });
      return { ...compiled, styles };
    } catch (error) {
      return { code: "COMPILE_ERROR", message: error.message.toWellFormed() };
    }
  }

  pressline.component = component;
})();
