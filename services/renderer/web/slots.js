// What of a document can be changed where it stands: its texts, and attributes that only style and layout depend on. All
// else is its shape. Used where documents are filled, and in the pages that show them.
const slots = (() => {
  "use strict";
  const [ELEMENT, TEXT, SVG] = [Node.ELEMENT_NODE, Node.TEXT_NODE, "http://www.w3.org/2000/svg"];
  // Their text is more than what is seen.
  const OPAQUE = new Set(["style", "script", "noembed", "noframes"]);
  const ANYWHERE = /^(?:class|style|title|alt|aria-.*|data-.*)$/;
  const DRAWN = new Set(
    ("x y x1 x2 y1 y2 cx cy r rx ry dx dy d points width height transform viewBox fill stroke opacity offset font-size " +
      "fill-opacity stroke-opacity stroke-width stroke-dasharray stroke-dashoffset stop-color stop-opacity").split(" "),
  );
  // May name something that is loaded first.
  const LOADING = /url\(|image|src|\\/i;
  const found = new WeakMap();

  function isFree({ localName, namespaceURI }, name, value) {
    if (LOADING.test(value)) return false;
    return ANYWHERE.test(name) || (namespaceURI === SVG ? DRAWN.has(name) : localName === "a" && name === "href");
  }

  // The texts and attributes of an element whose values are free, in the order of the document; and its shape. Nothing
  // that was parsed holds a NUL.
  function of(root) {
    const [free, shape] = [[], []];

    function visit(element) {
      shape.push(`<${element.localName}`);
      for (const name of element.getAttributeNames()) {
        const value = element.getAttribute(name);
        const isSlot = isFree(element, name, value);
        shape.push(isSlot ? name : `${name}=${value}`);
        if (isSlot) free.push({ node: element, name });
      }
      const isOpaque = OPAQUE.has(element.localName);
      for (let child = element.firstChild; child; child = child.nextSibling) {
        if (child.nodeType === ELEMENT) visit(child);
        else if (child.nodeType === TEXT) {
          shape.push(isOpaque ? child.data : "");
          if (!isOpaque) free.push({ node: child, name: "" });
        }
      }
      shape.push(">");
    }

    visit(root);
    return { free, shape: shape.join("\0") };
  }

  // Those of an element that is looked at again and again.
  function known(root) {
    if (!found.has(root)) found.set(root, of(root).free);
    return found.get(root);
  }

  const value = ({ node, name }) => (name ? node.getAttribute(name) : node.data);

  function set({ node, name }, value) {
    if (name) node.setAttribute(name, value);
    else node.data = value;
  }

  return { OPAQUE, of, known, value, set };
})();
