// Runs in the compiler page: turns JSX and TSX into JavaScript, line by line, without running it.
(() => {
  "use strict";
  const COMPONENTS_KEPT = 64;
  const OPTIONS = {
    transforms: ["jsx", "typescript", "imports"],
    jsxRuntime: "automatic",
    production: true,
    filePath: "component.tsx",
  };
  const components = new Map();

  // A reader's sentence for what the compiler threw: "Error transforming component.tsx: Unexpected token (3:10)".
  function explain(error) {
    const place = /^(?:Error transforming [^:]+: )?(.*?):? \((\d+):(\d+)\)$/s.exec(error.message);
    if (!place) return `The source does not compile: ${error.message}`;
    return `The source does not compile on line ${place[2]}, column ${place[3]}: ${place[1]}`;
  }

  // Compiles a component, or finds the one that was compiled before; null when its source must be sent first.
  function component({ id, body }) {
    try {
      const known = components.get(id);
      if (!known && body === null) return null;
      const code = known ?? sucrase.transform(body, OPTIONS).code;
      components.delete(id);
      components.set(id, code);
      if (components.size > COMPONENTS_KEPT) components.delete(components.keys().next().value);
      return { script: code.toWellFormed() };
    } catch (error) {
      return { code: "COMPILE_ERROR", message: explain(error).toWellFormed() };
    }
  }

  pressline.component = component;
})();
