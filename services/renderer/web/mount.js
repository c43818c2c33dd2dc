// Runs in a component's page, after React: gives the component its props, shows it, and says why it cannot be shown.
function mount(script, mappings, row) {
  "use strict";
  const { React, createRoot, flushSync } = presslineReact;
  // What draws codes is in the pages of those components only that import it.
  const modules = { ...presslineReact.modules };
  if (typeof presslineCodes === "object") modules.pressline = { QrCode: drawn("qr"), Barcode: drawn("barcode") };
  const state = window[Symbol.for("pressline.state")];

  const OPENING = "(function (require, exports, module) {";

  const fail = (code, what) => (error) => {
    const where = presslineFaults.place(error, mappings, OPENING);
    state.failed ??= { code, message: `${what}${where}: ${presslineFaults.said(error)}` };
  };

  // A component that draws a code; what is no option of it goes to its `svg`.
  function drawn(kind) {
    return ({ value, ...rest }) => {
      const { attributes, shapes } = presslineCodes[kind](value, take(rest, presslineCodes.options[kind]));
      return React.createElement("svg", { ...attributes, ...rest, dangerouslySetInnerHTML: { __html: shapes } });
    };
  }

  function take(properties, names) {
    const taken = {};
    for (const name of names) {
      if (name in properties) taken[name] = properties[name];
      delete properties[name];
    }
    return taken;
  }

  function require(name) {
    if (Object.hasOwn(modules, name)) return modules[name];
    throw new Error(`only "react" and "pressline" can be imported, not "${name}"`);
  }

  function load() {
    const module = { exports: {} };
    (0, eval)(`${OPENING}${script}\n})\n//# sourceURL=component.tsx`)(require, module.exports, module);
    const component = module.exports.default;
    if (React.isValidElement(component)) throw new Error("it exports an element by default; export the component, a function that returns it");
    if (typeof component === "function" || component?.$$typeof) return component;
    throw new Error("it must export a component by default, as in: export default function Card(props) { … }");
  }

  let component;
  try {
    component = load();
  } catch (error) {
    fail("COMPILE_ERROR", "The source cannot be used")(error);
    return;
  }
  const failed = fail("TEMPLATE_ERROR", "The component failed");
  try {
    const root = createRoot(document.getElementById("root"), { onUncaughtError: failed });
    flushSync(() => root.render(React.createElement(component, parseRow(row))));
  } catch (error) {
    failed(error);
  }
  // What effects set is shown as well: their renders are queued before these two timers.
  window.pressline.ready(new Promise((resolve) => setTimeout(() => setTimeout(resolve))));
}
