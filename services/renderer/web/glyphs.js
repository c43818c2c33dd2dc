// Which characters no font draws: they come out as the box that stands for them. Each is drawn in a cell of a canvas and
// compared with one that nobody has. Many at once, because reading a canvas costs more than drawing.
(asked) => {
  "use strict";
  const { characters, most } = asked;
  const [SIDE, ACROSS, NOBODYS, LOOKED_AT] = [32, 32, "\u{10fffd}", 20];
  const canvas = Document.prototype.createElement.call(document, "canvas");
  canvas.width = SIDE * ACROSS;

  // Those of the characters that come out as a box.
  function boxes(wanted, font) {
    const cells = [NOBODYS, ...wanted];
    canvas.height = SIDE * Math.ceil(cells.length / ACROSS);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.font = font;
    const corner = (cell) => [(cell % ACROSS) * SIDE, Math.floor(cell / ACROSS) * SIDE];
    cells.forEach((character, cell) => {
      const [x, y] = corner(cell);
      context.fillText(character, x + 6, y + 22);
    });
    const pixels = new Uint32Array(context.getImageData(0, 0, canvas.width, canvas.height).data.buffer);

    function isLikeFirst(cell) {
      const [left, top] = corner(cell);
      for (let y = 0; y < SIDE; y += 1) {
        const [here, there] = [(top + y) * canvas.width + left, y * canvas.width];
        for (let x = 0; x < SIDE; x += 1) if (pixels[here + x] !== pixels[there + x]) return false;
      }
      return true;
    }
    return wanted.filter((_character, index) => isLikeFirst(index + 1));
  }

  // Elements that show the character, up to a number of them.
  function* showing(character) {
    const root = Reflect.get(Document.prototype, "documentElement", document);
    const walker = Document.prototype.createTreeWalker.call(document, root, NodeFilter.SHOW_TEXT);
    for (let left = LOOKED_AT; left > 0 && walker.nextNode(); ) {
      const { data, parentElement: element } = walker.currentNode;
      if (!data.includes(character) || !element) continue;
      left -= 1;
      if (element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) yield element;
    }
  }

  // A font of the document's own may have what those of the machine lack.
  function place(character) {
    for (const element of showing(character)) {
      const { fontStyle, fontWeight, fontFamily } = getComputedStyle(element);
      if (boxes([character], `${fontStyle} ${fontWeight} 16px ${fontFamily}`).length) return element.localName;
    }
    return null;
  }

  const lacking = new Set();
  const all = [...characters];
  for (let start = 0; start < all.length; start += SIDE * ACROSS - 1) {
    for (const each of boxes(all.slice(start, start + SIDE * ACROSS - 1), "16px serif")) lacking.add(each);
  }
  const missing = [];
  for (const character of lacking) {
    if (missing.length >= most) break;
    const where = place(character);
    if (where) missing.push({ character, place: where });
  }
  return { known: all.filter((each) => !lacking.has(each)).join(""), missing };
}
