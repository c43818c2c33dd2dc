// Documents of the same form differ in nothing but values that can be changed where they stand.
(() => {
  "use strict";
  // What a page may remember of what it showed, or that is drawn in layers of its own; and elements that hide their own
  // properties, or hold more than is seen.
  const HELD = new RegExp(
    [
      ...["animat", "transition", "autofocus", "content-visibility", "contain-intrinsic", "position-(?:try|anchor)", "anchor-name"],
      ...["text-combine", "will-change", "3d\\(", "-3d", "perspective", "backface", "backdrop", "sticky", "scroll", "position:\\s*fixed"],
      ...["overflow[\\w-]*:\\s*auto", "<(?:form|input|select|textarea|button|template|details|dialog|video|audio|canvas)\\b"],
      ...["<(?:set|marquee|progress|meter)\\b"],
    ].join("|"),
    "i",
  );
  const [KEPT, LONGEST] = [256, 200_000];
  const shapes = new Map();
  // Another page counts from one as well.
  const own = crypto.getRandomValues(new Uint32Array(4)).join("-");
  let count = 0;

  function name(shape) {
    const known = shapes.get(shape) ?? `${own}-${(count += 1)}`;
    shapes.delete(shape);
    shapes.set(shape, known);
    if (shapes.size > KEPT) shapes.delete(shapes.keys().next().value);
    return known;
  }

  // The name of a parsed document's shape, and its values; null for one that has to be shown as a whole.
  function of(id, parsed, html) {
    if (html.length > LONGEST || HELD.test(html)) return null;
    const { free, shape } = slots.of(parsed.documentElement);
    // In one piece, which is handed on in a fraction of the time.
    const values = free.map(slots.value).join("\0").toWellFormed();
    return { shape: name([id, parsed.compatMode, shape].join("\0")), values };
  }

  globalThis.pressline = { ...pressline, forms: { of } };
})();
