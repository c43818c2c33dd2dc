// Documents whose markup is the same to the letter differ in nothing but the texts between their tags. Once one of them was
// looked at twice, the texts of the others are put in the places of its own, and nothing is parsed.
const markups = (() => {
  "use strict";
  // A longer text becomes several nodes.
  const [KEPT, LONGEST] = [64, 65_000];
  const ESCAPES = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#x27;": "'", "&#x60;": "`", "&#x3D;": "=" };
  const ESCAPE = /&(?:amp|lt|gt|quot|#x27|#x60|#x3D);/g;
  // What stands in these is not read as text elsewhere is.
  const RAW = new RegExp(`^(?:${[...slots.OPAQUE].join("|")})\\b`, "i");
  // Nothing but a text, where these characters mean nothing and escapes are read, can hold a mark.
  const own = `t${crypto.getRandomValues(new Uint32Array(4)).join("t")}t`;
  const mark = (index) => `${own}${index}&amp;"'>`;
  const MARK = new RegExp(`${own}(\\d+)&"'>`);
  const known = new Map();

  const read = (text) => text.replace(ESCAPE, (escape) => ESCAPES[escape]);

  // The markup of a filled document, with a NUL in place of each plain text, and these. Null for one that is long, or is
  // changed before it is parsed.
  function cut(source, html) {
    if (html.length > LONGEST || /[\0\r]/.test(html)) return null;
    const texts = [];
    const [first, ...pieces] = html.split("<");
    const rest = pieces.map((piece) => {
      const end = piece.indexOf(">") + 1;
      const text = end > 0 ? piece.slice(end).trim() : "";
      if (!text || RAW.test(piece) || text.replace(ESCAPE, "").includes("&")) return piece;
      texts.push(text);
      const start = piece.indexOf(text, end);
      return `${piece.slice(0, start)}\0${piece.slice(start + text.length)}`;
    });
    const markup = [first, ...rest].join("<");
    return { key: JSON.stringify(source) + markup, markup, texts };
  }

  // The form of a document by another with its markup; null as long as it has to be parsed.
  function form({ key, texts }) {
    const entry = keep(known, key, known.get(key) ?? { sightings: 0, learned: undefined }, KEPT);
    entry.sightings += 1;
    if (!entry.learned) return null;
    const { shape, values, places } = entry.learned;
    const filled = [...values];
    for (const [which, { index, before, after }] of places) filled[index] = before + read(texts[which]) + after;
    return { shape, values: filled.join("\0").toWellFormed() };
  }

  // Finds the places of a document's texts, given its form, and how a form is made: each mark in place of a text has to
  // become a value, or part of one, and all else has to stay as it was.
  function placesOf({ markup, texts }, { shape, values }, formOf) {
    let count = 0;
    const marked = formOf(markup.replace(/\0/g, () => mark(count++)));
    if (marked?.shape !== shape) return null;
    const places = new Map();
    for (const [index, value] of marked.values.split("\0").entries()) {
      const [before, which, after, ...more] = value.split(MARK);
      if (more.length > 0 || values[index] !== (which ? before + read(texts[which]) + after : before)) return null;
      if (which) places.set(which, { index, before, after });
    }
    return places.size === texts.length ? places : null;
  }

  // Learns from a document that was parsed, unless it is the first of its markup: others may have markups of their own.
  function learn(cut, { shape, values: joined }, formOf) {
    const entry = known.get(cut.key);
    if (entry.sightings < 2 || entry.learned !== undefined) return;
    const values = joined.split("\0");
    const places = placesOf(cut, { shape, values }, formOf);
    entry.learned = places && { shape, values, places };
  }

  return { cut, form, learn };
})();
