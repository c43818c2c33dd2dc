// Has characters that are set upright together set anew: they keep the place that they had in another font.
() => {
  const own = (name) => Reflect.get(Document.prototype, name, document);
  const apart = new CSSStyleSheet();
  apart.replaceSync("* { text-combine-upright: none !important }");
  const before = [...own("adoptedStyleSheets")];
  for (const sheets of [[...before, apart], before]) {
    Reflect.set(Document.prototype, "adoptedStyleSheets", sheets, document);
    own("documentElement")?.getBoundingClientRect();
  }
}
