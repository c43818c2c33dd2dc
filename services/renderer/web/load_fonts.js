// Has a page load all of its fonts.
() => {
  for (const face of Reflect.get(Document.prototype, "fonts", document)) face.load().catch(() => {});
}
