// Notes which variables a template prints as nothing: `{{name}}` is printed by a helper that looks at the value first.
const printed = (() => {
  "use strict";
  const [HELPER, MOST] = ["pressline-printed", 20];
  let noted = new Set();

  Handlebars.registerHelper(HELPER, (value, index) => {
    if (value === undefined || value === null || value === "") noted.add(index);
    return value;
  });

  // Has the variable of a statement looked at. What it is called, and where, goes to `places`.
  function watch(node, places) {
    const { path, params, hash, loc } = node;
    if (path.type !== "PathExpression" || params.length > 0 || hash || Object.hasOwn(Handlebars.helpers, path.original)) return;
    const value = places.push({ name: path.original.replace(/^this\./, ""), line: path.loc.start.line }) - 1;
    node.params = [{ ...path, strict: true }, { type: "NumberLiteral", value, original: value, loc }];
    node.path = { type: "PathExpression", original: HELPER, parts: [HELPER], depth: 0, data: false, loc };
  }

  function begin() {
    noted = new Set();
  }

  const empty = (places) => [...noted].slice(0, MOST).map((index) => places[index]);

  return { HELPER, watch, begin, empty };
})();
