// Runs in a component's page, after React: gives the component its props, shows it, and says why it cannot be shown.
function mount(script, row) {
  "use strict";
  const { React, createRoot, flushSync, modules } = presslineReact;
  const state = window[Symbol.for("pressline.state")];

  // Where in the source it happened; the compiler keeps every line in its place.
  function place(error) {
    const found = /component\.tsx:(\d+):(\d+)/.exec(error?.stack ?? "");
    return found ? ` on line ${found[1]}, column ${found[2]}` : "";
  }

  const fail = (code, what) => (error) => {
    state.failed ??= { code, message: `${what}${place(error)}: ${error?.message ?? error}` };
  };

  function require(name) {
    if (Object.hasOwn(modules, name)) return modules[name];
    throw new Error(`only "react" can be imported, not "${name}"`);
  }

  function load() {
    const module = { exports: {} };
    (0, eval)(`(function (require, exports, module) {${script}\n})\n//# sourceURL=component.tsx`)(require, module.exports, module);
    const component = module.exports.default;
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
