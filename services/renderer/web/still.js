// Ends what moves in a document and in its frames, so that it shows the same whenever it is captured: what has an end is
// brought to it, and what goes on for ever is as if it had never begun. What is paused, or follows a scroll, stays.
// Says whether anything changed.
() => {
  "use strict";
  // A document's own properties, and a form's, may be hidden behind elements that are named like them.
  const own = (page, name) => Reflect.get(Document.prototype, name, page);
  const every = (selector, page) => Document.prototype.querySelectorAll.call(page, selector);
  const hidden = "* { caret-color: transparent !important; }";
  let changed = false;

  function end(animation) {
    try {
      if (animation.effect.getComputedTiming().endTime === Infinity) animation.cancel();
      else animation.finish();
      changed = true;
    } catch {
      // Played at no speed at all, so that it does not move.
    }
  }

  // A page focuses on its own at a moment of its choosing, and only once, whatever it shows.
  function focus(page) {
    const nothing = own(page, "body");
    const wanted = every("[autofocus]", page)[0];
    if (wanted instanceof HTMLElement && own(page, "activeElement") === nothing) HTMLElement.prototype.focus.call(wanted);
    const sheets = own(page, "adoptedStyleSheets");
    if (own(page, "activeElement") === nothing || sheets.some((sheet) => sheet.cssRules[0]?.cssText === hidden)) return;
    const sheet = new (own(page, "defaultView").CSSStyleSheet)();
    sheet.replaceSync(hidden);
    Reflect.set(Document.prototype, "adoptedStyleSheets", [...sheets, sheet], page);
  }

  function still(page) {
    for (const animation of Document.prototype.getAnimations.call(page)) {
      if (animation.playState === "running" && animation.timeline === own(page, "timeline")) end(animation);
    }
    focus(page);
    for (const frame of every("iframe", page)) if (frame.contentDocument) still(frame.contentDocument);
  }

  still(document);
  return changed;
}
