// Runs in the compiler page: makes the CSS that Tailwind has for the class names of a document.
//
// What comes out follows from the styles and the class names alone: no compiler that saw other rows is asked again.
(() => {
  "use strict";
  const SOURCES_KEPT = 16;
  const SHEETS_KEPT = 16;
  const WORDS_KEPT = 20_000;
  const LONGEST_STYLES = 500_000;
  const LONGEST_WORD = 200;
  const MOST_WORDS = 20_000;
  const LONGEST_VALUE = 500;
  const ENTRY = '@import "tailwindcss"; @import "./styles";';
  const BREAKS = [/[\s"'`<>{}$]+/, /[\s"'`]+/, /[\s"]+/, /[\s']+/];
  const IMPORTS = /^@import .*;\n/gm;
  const LIKELY = /^-?[a-z@!*[]/;
  const sources = new Map();

  class StylesError extends Error {}

  function settings(styles) {
    const sheets = { tailwindcss: tailwindcss.theme, "./styles": styles };
    const loadStylesheet = (id) => {
      if (Object.hasOwn(sheets, id)) return { path: id, base: "", content: sheets[id] };
      throw new StylesError(`"${id}" cannot be imported: there are no other files`);
    };
    const loadModule = (id) => {
      throw new StylesError(`"${id}" cannot be loaded: there are neither plugins nor configuration files`);
    };
    // With a name for the entry, errors tell where they are.
    return { base: "", from: "entry", loadStylesheet, loadModule };
  }

  // Every word that may be a class name; quotes and braces are both around class names and in them.
  function words(text) {
    const found = new Set();
    for (const breaks of BREAKS) for (const word of text.split(breaks)) if (word.length <= LONGEST_WORD && LIKELY.test(word)) found.add(word);
    return found;
  }

  function wordsOfRow(value, found = new Set()) {
    if (typeof value === "string" && value.length <= LONGEST_VALUE) for (const word of words(value)) found.add(word);
    else if (typeof value === "object" && value !== null) for (const inner of Object.values(value)) wordsOfRow(inner, found);
    return found;
  }

  // The class names of a document; with scripts, which may set any, every other word in it too.
  function wordsOf(parsed, scripted) {
    const found = scripted ? words(parsed.documentElement.outerHTML) : new Set();
    for (const { classList } of parsed.querySelectorAll("[class]")) for (const name of classList) if (name.length <= LONGEST_WORD) found.add(name);
    return found;
  }

  // Imports of other addresses, as of web fonts, hold only before all else; each is on a line of its own here.
  function importsFirst(css) {
    const imports = css.match(IMPORTS) ?? [];
    return imports.join("") + css.replace(IMPORTS, "");
  }

  // The style sheets of one source, by the class names in use. Which words are class names of Tailwind, its design
  // tells at a tenth of what compiling costs, so that rows with the same ones share a sheet.
  class Sheets {
    constructor(styles) {
      this.styles = styles;
      this.kept = new Map();
      this.known = null;
    }

    classes(found) {
      if (this.known === null || this.known.size > WORDS_KEPT) {
        this.design = tailwindcss.loadDesign(ENTRY, settings(this.styles)).value;
        this.known = new Map();
      }
      const fresh = [...found].filter((word) => !this.known.has(word));
      this.design.candidatesToCss(fresh).forEach((css, index) => this.known.set(fresh[index], css !== null));
      return [...found].filter((word) => this.known.get(word)).sort();
    }

    css(found) {
      const classes = this.classes(found);
      const key = classes.join(" ");
      const css = this.kept.get(key) ?? importsFirst(tailwindcss.compile(ENTRY, settings(this.styles)).value.build(classes));
      return keep(this.kept, key, css, SHEETS_KEPT);
    }
  }

  function lineOf(text, index) {
    const before = text.slice(0, index).split("\n");
    return ` on line ${before.length}, column ${before.at(-1).length + 1}`;
  }

  // Tailwind names what it cannot use, but seldom says where that is.
  function place(message, styles) {
    const named = [/^>\s*(.*?)\s*\{?$/m, /`([^`]+)`/, /"([^"]+)"/, /: (\S+)$/].flatMap((pattern) => pattern.exec(message)?.slice(1) ?? []);
    const index = named.map((text) => styles.indexOf(text)).find((found) => found >= 0);
    return index === undefined ? "" : lineOf(styles, index);
  }

  // A reader's sentence for what Tailwind threw: "./styles:3:15: Missing opening {".
  function explain({ message, loc }, styles) {
    const told = message.replace(/^\.\/styles:\d+:\d+: /, "").split("\n", 1)[0].replace(/[.:\s]+$/, "");
    const where = loc?.[0]?.code === styles ? lineOf(styles, loc[1]) : place(message, styles);
    return { code: "COMPILE_ERROR", message: `Tailwind cannot compile the styles${where}: ${told}.`.toWellFormed() };
  }

  // The CSS for words that may be class names: `{ css }`, or why there is none.
  function css(id, styles, found) {
    if (styles.length > LONGEST_STYLES || found.size > MOST_WORDS) {
      const limits = `styles of ${LONGEST_STYLES} characters and documents of ${MOST_WORDS} words that may be class names`;
      return { code: "RESOURCE_LIMIT", message: `Tailwind takes ${limits}; these have ${styles.length} and ${found.size}.` };
    }
    try {
      const sheets = keep(sources, id, sources.get(id) ?? new Sheets(styles), SOURCES_KEPT);
      return { css: sheets.css(found) };
    } catch (error) {
      return explain(error, styles);
    }
  }

  pressline.tailwind = { css, words, wordsOf, wordsOfRow };
})();
