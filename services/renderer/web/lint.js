// Looks at a page that was captured, for what its author may not have meant. It changes nothing, and has a bound for
// everything that a document can have many of.
(asked) => {
  "use strict";
  const { selector, edges, boxes: mayHide } = asked;
  const MOST = { elements: 5000, boxes: 200, texts: 5000, characters: 5000, found: 5, shown: 60 };
  // By this much text may leave its box unnoticed: pixels across, and a share of the line's height down, because a
  // line's box is higher than its letters.
  const SLACK = { across: 2, down: 0.3 };
  const UNSEEN = new Set(["SCRIPT", "STYLE", "NOSCRIPT", "TEMPLATE", "TITLE", "TEXTAREA", "OPTION"]);
  const FILLED = "img, svg, canvas, video, input, select, textarea, button, meter, progress, hr";
  // A document's own properties may be hidden behind elements that are named like them.
  const own = (name) => Reflect.get(Document.prototype, name, document);
  const call = (name, ...given) => Document.prototype[name].apply(document, given);
  const root = own("documentElement");
  const none = { clipped: [], images: [], fonts: [], characters: "", empty: true };
  if (!root) return none;

  const cut = (text) => (text.length > MOST.shown ? `${text.slice(0, MOST.shown)}…` : text);
  const said = (text) => cut(text.trim().replace(/\s+/g, " "));
  const isShown = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });

  function step(element) {
    const id = element.getAttribute("id");
    const classes = [...element.classList].slice(0, 2);
    return cut(element.localName + (id ? `#${id}` : classes.map((name) => `.${name}`).join("")));
  }

  // Where an element is, as a selector would say it.
  function place(element) {
    const path = [step(element)];
    for (let above = element.parentElement; above && above.localName !== "body" && path.length < 3; above = above.parentElement) {
      path.unshift(step(above));
    }
    return path.join(" > ");
  }

  function* textsOf(element, most) {
    const walker = call("createTreeWalker", element, NodeFilter.SHOW_TEXT);
    for (let left = most; left > 0 && walker.nextNode(); left -= 1) {
      const { currentNode: node } = walker;
      if (node.parentElement && !UNSEEN.has(node.parentElement.tagName) && /\S/.test(node.data)) yield node;
    }
  }

  function linesOf(node) {
    const range = call("createRange");
    range.selectNodeContents(node);
    return [...range.getClientRects()].filter((line) => line.width > 0 && line.height > 0);
  }

  // Whether a line leaves a box to the right or below, or begins or ends outside of it.
  function leaves(line, box, { across, down, whole }) {
    const isBeside = line.left >= box.right || line.top >= box.bottom;
    if (line.right <= box.left || line.bottom <= box.top || (isBeside && !whole)) return false;
    const beyond = Math.max(line.right - box.right, box.left - line.left);
    return (across && beyond > SLACK.across) || (down && line.bottom - box.bottom > SLACK.down * line.height);
  }

  function cutText(element, box, sides, isElsewhere = () => false) {
    for (const node of textsOf(element, MOST.texts)) {
      const isCut = isShown(node.parentElement) && linesOf(node).some((line) => leaves(line, box, sides));
      if (isCut && !isElsewhere(node.parentElement)) return node;
    }
    return null;
  }

  // Whether a box between an element and what is captured hides what leaves it.
  function isHeld(element, within) {
    for (let box = element; box && box !== within && box.localName !== "body"; box = box.parentElement) {
      const { overflowX, overflowY } = getComputedStyle(box);
      if (overflowX !== "visible" || overflowY !== "visible") return true;
    }
    return false;
  }

  // The sides on which a box hides text without a word. An ellipsis is a word.
  function hiding(element) {
    const across = element.scrollWidth > element.clientWidth + 1;
    const down = element.scrollHeight > element.clientHeight + 1;
    // Boxes of a pixel are for screen readers, those without height are closed.
    if (!(across || down) || element.clientWidth < 2 || element.clientHeight < 2) return null;
    const style = getComputedStyle(element);
    const sides = {
      across: across && style.overflowX !== "visible" && style.textOverflow === "clip",
      down: down && style.overflowY !== "visible" && style.webkitLineClamp === "none",
      whole: true,
    };
    return sides.across || sides.down ? sides : null;
  }

  // What hides on the root or the body hides at the viewport's edge.
  function clippedInBoxes() {
    const found = [];
    if (!mayHide) return found;
    let [elements, boxes] = [0, 0];
    for (const element of call("querySelectorAll", "body *")) {
      if (elements++ > MOST.elements || boxes > MOST.boxes || found.length >= MOST.found) break;
      const sides = hiding(element);
      if (!sides) continue;
      boxes += 1;
      const node = cutText(element, element.getBoundingClientRect(), sides);
      if (node) found.push({ text: said(node.data), place: place(element) });
    }
    return found;
  }

  function clippedByEdges() {
    const shown = selector ? call("querySelector", selector) : root;
    if (!edges || !shown) return [];
    const [width, height] = selector ? [shown.clientWidth, shown.clientHeight] : [innerWidth, innerHeight];
    const across = shown.scrollWidth > width;
    const down = !edges.tall && shown.scrollHeight > height;
    if (!(across || down)) return [];
    const box = selector ? shown.getBoundingClientRect() : { left: 0, top: 0, right: width, bottom: height };
    const node = cutText(shown, box, { across, down, whole: false }, (element) => isHeld(element, shown));
    return node ? [{ text: said(node.data), place: "" }] : [];
  }

  // Nothing is drawn for these, or only together with what stands before them.
  const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{White_Space}\p{Cc}\p{Cf}\p{Cs}\p{Noncharacter_Code_Point}]/u;

  function characters() {
    const found = new Set();
    let isSeen = false;
    for (const node of textsOf(root, MOST.texts)) {
      isSeen ||= isShown(node.parentElement);
      if (/[^\0-\u024f]/.test(node.data)) for (const each of node.data) if (each > "\u024f") found.add(each);
      if (found.size > MOST.characters) break;
    }
    return { isSeen, all: [...found].filter((each) => !INVISIBLE.test(each)).slice(0, MOST.characters).join("") };
  }

  // Only asked where there is no text: whether anything else is seen.
  function isEmpty() {
    for (const element of [...call("querySelectorAll", "*")].slice(0, MOST.elements)) {
      if (!isShown(element)) continue;
      if (element.matches(FILLED)) return false;
      const style = getComputedStyle(element);
      const isPainted = style.backgroundImage !== "none" || !/^rgba\(.*, 0\)$/.test(style.backgroundColor);
      if (isPainted || style.borderStyle !== "none" || /["(]/.test(getComputedStyle(element, "::before").content)) return false;
    }
    return true;
  }

  const isBroken = (image) => image.complete && image.naturalWidth === 0 && image.currentSrc !== "";
  const isSvg = (address) => /^data:image\/svg|\.svg\b/i.test(address);
  const images = [...call("querySelectorAll", "img")]
    .slice(0, MOST.elements)
    .filter((image) => isBroken(image) && !isSvg(image.currentSrc) && isShown(image));
  const fonts = [...own("fonts")].slice(0, MOST.elements).filter((face) => face.status === "error");
  const { isSeen, all } = characters();
  return {
    clipped: [...clippedByEdges(), ...clippedInBoxes()],
    images: images.slice(0, MOST.found).map((image) => ({ address: image.currentSrc.slice(0, 2000), place: place(image) })),
    fonts: fonts.slice(0, MOST.found).map((face) => said(face.family)),
    characters: all,
    empty: !isSeen && isEmpty(),
  };
}
