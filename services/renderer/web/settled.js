// Whether a document and those in its frames show all that they have: fonts, and images however lazy. Layout makes fonts
// start loading. Timers and promises do not run in a page without scripts, so this is asked again and again.
(isScripted, mayLoad) => {
  "use strict";
  // A document's own properties may be hidden behind elements that are named like them.
  const own = (page, name) => Reflect.get(Document.prototype, name, page);

  // Shadow trees hold images and frames of their own. Without scripts there are none.
  function* find(selector, root, search) {
    yield* search.call(root, selector);
    if (!isScripted) return;
    for (const { shadowRoot } of search.call(root, "*")) {
      if (shadowRoot) yield* find(selector, shadowRoot, DocumentFragment.prototype.querySelectorAll);
    }
  }

  const everything = (selector, page) => [...find(selector, page, Document.prototype.querySelectorAll)];

  // A frame that may not be looked into is taken as it is, and so is one whose document is refused.
  function isFrameSettled(frame) {
    frame.loading = "eager";
    const page = frame.contentDocument;
    if (!page) return true;
    return (!frame.hasAttribute("srcdoc") || own(page, "URL") !== "about:blank") && isSettled(page);
  }

  function isSettled(page) {
    const [root, isComplete] = [own(page, "documentElement"), own(page, "readyState") === "complete"];
    if (!root) return isComplete;
    const images = everything("img", page);
    for (const image of images) image.loading = "eager";
    if (mayLoad) root.getBoundingClientRect();
    const areFramesSettled = everything("iframe", page).map(isFrameSettled).every(Boolean);
    return isComplete && areFramesSettled && own(page, "fonts").status === "loaded" && images.every((image) => image.complete);
  }

  return isSettled(document);
}
