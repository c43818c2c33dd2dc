// Appends a style sheet to what a page shows.
(css) => {
  const style = Document.prototype.createElement.call(document, "style");
  style.textContent = css;
  (Reflect.get(Document.prototype, "head", document) ?? Reflect.get(Document.prototype, "documentElement", document)).append(style);
}
