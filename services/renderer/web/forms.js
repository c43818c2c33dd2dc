// Documents of the same form differ in nothing but values that can be changed where they stand.
(() => {
  "use strict";
  // What a page may remember of what it showed, or that is drawn in layers of its own; and elements that hide their own
  // properties, or hold more than is seen.
  const HELD = new RegExp(
    [
      ...["animat", "transition", "autofocus", "content-visibility", "contain-intrinsic", "position-(?:try|anchor)", "anchor-name", "popover"],
      ...["text-combine", "will-change", "3d\\(", "-3d", "perspective", "backface", "backdrop", "sticky", "scroll", "position:\\s*fixed"],
      ...["overflow[\\w-]*:\\s*auto", "<(?:form|input|select|textarea|button|template|details|dialog|video|audio|canvas)\\b"],
      ...["<(?:set|marquee|progress|meter)\\b"],
    ].join("|"),
    "i",
  );
  const [KEPT, LONGEST] = [64, 100_000];
  const shapes = new Map();
  // Another page counts from one as well.
  const own = crypto.getRandomValues(new Uint32Array(4)).join("-");
  let count = 0;

  // The name of a shape; null for one that is new.
  function recall(shape) {
    const known = shapes.get(shape);
    keep(shapes, shape, known ?? `${own}-${(count += 1)}`, KEPT);
    return known ?? null;
  }

  // The name of a parsed document's shape, and its values; null for one that has to be shown as a whole, and for the first
  // of its shape, because others may have shapes of their own.
  function of(id, parsed, html) {
    if (html.length > LONGEST || HELD.test(html)) return null;
    const { free, shape } = slots.of(parsed.documentElement);
    const name = recall([id, parsed.compatMode, shape].join("\0"));
    // In one piece, which is handed on in a fraction of the time.
    return name && { shape: name, values: free.map(slots.value).join("\0").toWellFormed() };
  }

  globalThis.pressline = { ...pressline, forms: { of } };
})();
