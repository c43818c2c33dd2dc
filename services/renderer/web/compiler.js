// Runs in the compiler page: fills templates and looks at what came out. Nothing of the caller's runs here but
// compiled Handlebars, and a parsed document is inert: no script of it runs and nothing is loaded.
(() => {
  "use strict";
  const TEMPLATES_KEPT = 64;
  const OWN_HELPERS = [
    ...["upper", "lower", "title", "truncate", "date", "time", "number", "currency"],
    ...["join", "json", "default", "eq", "ne", "gt", "lt", "now", "qr", "barcode"],
  ];
  // Asking whether a value is there, or equal to another, is no use of a missing one.
  const TOLERANT = new Set(["if", "unless", "default", "eq", "ne"]);
  const SCRIPTED = "script,iframe,frame,frameset,object,embed,noscript,meta[http-equiv=refresh i],template[shadowrootmode]";
  const { failure, explain, requireHelper } = pressline;
  const templates = new Map();

  // Prepares a parsed template: `{{title}}` stays a variable although a helper has that name,
  // and in strict mode a helper's arguments must exist like any printed variable.
  class Preparation extends Handlebars.Visitor {
    constructor(strict) {
      super();
      this.strict = strict;
      this.blockParams = [];
      this.paths = [];
      this.calls = new Map();
      this.places = [];
    }

    Program(program) {
      this.blockParams.push(program.blockParams ?? []);
      super.Program(program);
      this.blockParams.pop();
    }

    MustacheStatement(node) {
      this.keepVariable(node);
      this.requireArguments(node);
      super.MustacheStatement(node);
      printed.watch(node, this.places);
    }

    BlockStatement(node) {
      this.requireArguments(node);
      super.BlockStatement(node);
    }

    SubExpression(node) {
      this.requireArguments(node);
      super.SubExpression(node);
    }

    PathExpression(path) {
      this.paths.push({ parts: path.parts, name: path.original, line: path.loc.start.line });
    }

    keepVariable(node) {
      const { path } = node;
      const bare = node.params.length === 0 && !node.hash && OWN_HELPERS.includes(path.original);
      if (bare && path.original !== "now" && !this.isBlockParam(path.original)) path.original = `this.${path.original}`;
    }

    isBlockParam(name) {
      return this.blockParams.some((names) => names.includes(name));
    }

    // `now` is asked of the row first, and of the clock when the row has none; as an argument too.
    askForNow(value) {
      const asks = value.type === "PathExpression" && value.original === "now" && !this.isBlockParam("now");
      return asks ? { type: "SubExpression", path: value, params: [], loc: value.loc } : value;
    }

    requireArguments(node) {
      requireHelper(node);
      this.calls.set(placeOf(node.loc), { ...node, params: [...node.params] });
      node.params = node.params.map((value) => this.askForNow(value));
      if (!this.strict || TOLERANT.has(node.path.original)) return;
      const values = [...node.params, ...(node.hash ? node.hash.pairs.map((pair) => pair.value) : [])];
      for (const value of values) if (value.type === "PathExpression") value.strict = true;
    }
  }

  const placeOf = ({ start }) => `${start.line}:${start.column}`;

  function compile(body, strict) {
    const tree = Handlebars.parse(body);
    const preparation = new Preparation(strict);
    preparation.accept(tree);
    const knownHelpers = Object.fromEntries([...OWN_HELPERS, printed.HELPER].map((name) => [name, true]));
    const { paths, calls, places } = preparation;
    return { fill: Handlebars.compile(tree, { strict, knownHelpers }), paths, calls, places };
  }

  function isScripted(parsed) {
    if (parsed.querySelector(SCRIPTED)) return true;
    for (const element of parsed.querySelectorAll("*")) {
      for (const { name, value } of element.attributes) {
        if (name.startsWith("on") || /^[\s\x00-\x20]*j\s*a\s*v\s*a\s*s\s*c\s*r\s*i\s*p\s*t\s*:/i.test(value)) return true;
      }
    }
    return false;
  }

  function doctype({ doctype: type }) {
    return type ? new XMLSerializer().serializeToString(type) : "";
  }

  function withStyles(parsed, styles) {
    const element = parsed.createElement("style");
    // Within a style sheet an escaped slash is a slash, and no end of the element.
    element.textContent = styles.replaceAll("</", "<\\/");
    parsed.head.append(element);
    return doctype(parsed) + parsed.documentElement.outerHTML;
  }

  const parse = (html) => new DOMParser().parseFromString(html, "text/html");

  function finish(html, { id, styles, tailwind, extra, longest, filled = false, empty = [] }) {
    if (html.length > longest) {
      return failure("RESOURCE_LIMIT", `The filled document has ${html.length} characters; at most ${longest} are allowed.`);
    }
    const cut = filled && !styles && !tailwind ? markups.cut([id, extra], html) : null;
    const alike = cut && markups.form(cut);
    if (alike) return { html: html.toWellFormed(), scripted: false, empty, form: alike };
    const parsed = parse(html);
    const scripted = isScripted(parsed) || (extra !== "" && isScripted(parse(extra)));
    const styled = (css) => {
      const whole = (css ? withStyles(parsed, css) : html).toWellFormed();
      const form = filled && !scripted ? pressline.forms.of(id, parsed, whole) : null;
      if (cut && form) markups.learn(cut, form, (other) => pressline.forms.of(id, parse(other), other));
      return { html: whole, scripted, empty, form };
    };
    if (!tailwind) return styled(styles);
    const made = pressline.tailwind.css(id, styles, pressline.tailwind.wordsOf(parsed, scripted));
    return made.code ? made : styled(made.css);
  }

  // What a template sees beside its row: `@now`, `@timezone` and `@locale`.
  const around = ({ timezone, locale, now }) => ({ timezone, locale, now: new Date(now).toISOString() });

  // Fills a template that was compiled before; null when it must be sent first.
  function fill({ id, strict, body, data, here, ...rest }) {
    let template = templates.get(id);
    try {
      if (!template && body === null) return null;
      template = keep(templates, id, template ?? compile(body, strict), TEMPLATES_KEPT);
      printed.begin();
      const html = template.fill(parseRow(data), { data: around(here) });
      return finish(html, { id, filled: true, empty: printed.empty(template.places), ...rest });
    } catch (error) {
      return explain(error, template ?? { body });
    }
  }

  // Looks at a literal document; the html is left out where it is the body itself.
  function inspect({ body, ...rest }) {
    const result = finish(body, rest);
    return rest.styles || rest.tailwind || result.code ? result : { html: null, scripted: result.scripted };
  }

  globalThis.pressline = { ...pressline, fill, inspect, language: { OWN_HELPERS, TOLERANT } };
})();
