// Where the first element that fits a selector lies, in CSS pixels from the page's corner.
(selector) => {
  // A document's own properties may be hidden behind elements that are named like them.
  const { querySelector } = Document.prototype;
  let element;
  try {
    element = querySelector.call(document, selector);
  } catch {
    return { invalid: true };
  }
  if (!element) return { found: false };
  const { left, top, right, bottom } = element.getBoundingClientRect();
  const [x, y] = [window.scrollX, window.scrollY];
  return { found: true, left: left + x, top: top + y, right: right + x, bottom: bottom + y };
}
