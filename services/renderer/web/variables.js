// Runs in the compiler page: lists the values that a template takes from a row, by walking what Handlebars parsed.
//
// A variable is required when every row that fills the template must hold it: when it is printed or given to a helper
// outside of every block that may be skipped. What a loop's body uses is named after the list, `items[].price`, and
// is required of each element.
(() => {
  "use strict";
  const { explain, requireHelper } = pressline;
  const { OWN_HELPERS, TOLERANT } = pressline.language;
  const LONGEST_NAME = 256;
  const MOST = 1000;
  const NOWHERE = { place: null, certain: false };
  // What a helper makes of its first argument tells what that is.
  const TAKES = {
    ...{ upper: "string", lower: "string", title: "string", truncate: "string", date: "string", time: "string" },
    ...{ number: "number", currency: "number", join: "array" },
  };
  // Part of a value that is not one of the row's own fields.
  const isForeign = (part) => part === "length" || part === "size" || /^\d+$/.test(part);
  const written = (part) => (/[.[\]]/.test(part) ? `[${part}]` : part);
  const joined = (prefix, part) => (prefix === "" ? written(part) : `${prefix}.${written(part)}`);

  // Where names are looked up: `path` is the place in the row, null where that is not known. A use is certain when
  // the frame is, and no block that may be skipped lies between the two.
  class Frame {
    constructor(path, certain, parent = null) {
      Object.assign(this, { path, certain, parent, skippable: 0, names: new Map() });
    }
  }

  class Uses {
    constructor() {
      this.found = new Map();
      this.root = this.frame = new Frame("", true);
      this.skippable = 0;
    }

    note(name, { type = "unknown", required = false, line }) {
      if (name.length > LONGEST_NAME) return;
      const known = this.found.get(name);
      if (known) {
        known.required ||= required;
        if (known.type === "unknown") known.type = type;
      } else if (this.found.size < MOST) {
        this.found.set(name, { name, type, required, line });
      }
    }

    // The frame that a path starts from and the parts that follow it; null when it leads out of the row, as a loop's
    // index does.
    start(path) {
      if (path.data) return path.parts[0] === "root" ? [this.root, path.parts.slice(1)] : null;
      let frame = this.frame;
      const scoped = /^\.|this\b/.test(path.original);
      if (!scoped && path.depth === 0) {
        for (let scope = frame; scope; scope = scope.parent) {
          const named = scope.names.get(path.parts[0]);
          if (named !== undefined) return named && [named, path.parts.slice(1)];
        }
      }
      // The clock stands in for it.
      if (path.original === "now") return null;
      for (let step = 0; step < path.depth; step += 1) frame = frame?.parent ?? null;
      return frame && [frame, path.parts];
    }

    // Notes a use of a path; returns the place it names, null where that is not in the row, and whether it is certain.
    use(path, { type, strict }) {
      const [frame, parts] = this.start(path) ?? [null, []];
      if (frame === null || frame.path === null) return NOWHERE;
      const required = strict && frame.certain && frame.skippable === this.skippable;
      const line = path.loc.start.line;
      let place = frame.path;
      for (const [index, part] of parts.entries()) {
        if (isForeign(part) && index > 0) return NOWHERE;
        place = joined(place, part);
        const last = index === parts.length - 1;
        const inner = isForeign(parts[index + 1] ?? "") ? "unknown" : "object";
        this.note(place, { type: last ? type : inner, required, line });
      }
      return { place, certain: required };
    }

    value(node, options) {
      if (node.type === "PathExpression") return this.use(node, options);
      if (node.type === "SubExpression") this.call(node);
      return NOWHERE;
    }

    // A helper with its arguments.
    call(node) {
      requireHelper(node);
      const helper = node.path.original;
      const strict = !TOLERANT.has(helper);
      for (const [index, value] of node.params.entries()) this.value(value, { type: index === 0 ? TAKES[helper] : undefined, strict });
      for (const { value } of node.hash?.pairs ?? []) this.value(value, { strict });
    }

    mustache(node) {
      const bare = node.params.length === 0 && !node.hash;
      const builtIn = Object.hasOwn(Handlebars.helpers, node.path.original) && !OWN_HELPERS.includes(node.path.original);
      if (!bare || builtIn) this.call(node);
      else this.value(node.path, { strict: true });
    }

    maybe(program, frame = this.frame) {
      if (!program) return;
      const before = this.frame;
      this.skippable += 1;
      this.frame = frame;
      if (frame !== before) frame.skippable = this.skippable;
      this.program(program);
      this.frame = before;
      this.skippable -= 1;
    }

    block(node) {
      const [helper, subject] = [node.path.original, node.params[0]];
      if (helper === "each" || helper === "with") this.scope(node, subject, helper === "each" ? "[]" : "");
      else if (node.params.length === 0 && !node.hash) this.section(node);
      else {
        this.call(node);
        this.maybe(node.program);
      }
      this.maybe(node.inverse);
    }

    scope(node, subject, suffix) {
      requireHelper(node);
      const type = suffix ? "array" : "object";
      const { place, certain } = subject ? this.value(subject, { type, strict: true }) : NOWHERE;
      // The row itself is no list: what a loop over it finds has no name.
      const path = place === null || (suffix && place === "") ? null : place + suffix;
      const frame = new Frame(path, certain, this.frame);
      const [element, ...others] = node.program?.blockParams ?? [];
      if (element) frame.names.set(element, frame);
      for (const name of others) frame.names.set(name, null);
      this.maybe(node.program, frame);
    }

    // `{{#name}}`: whether its body is about `name`, each of its elements or what is around it, the row decides.
    section(node) {
      this.value(node.path, { strict: true });
      this.maybe(node.program, new Frame(null, false, this.frame));
    }

    program({ body }) {
      for (const node of body) this.statement(node);
    }

    statement(node) {
      switch (node.type) {
        case "MustacheStatement":
          return this.mustache(node);
        case "BlockStatement":
          return this.block(node);
        case "DecoratorBlock":
          return this.maybe(node.program);
        case "PartialStatement":
        case "PartialBlockStatement":
          for (const value of [...node.params, ...(node.hash?.pairs.map((pair) => pair.value) ?? [])]) this.value(value, { strict: false });
          return this.maybe(node.program);
      }
    }
  }

  // The variables of a template, in the order of their first use, or why it cannot be filled.
  function variables({ body }) {
    try {
      const uses = new Uses();
      uses.program(Handlebars.parse(body));
      Handlebars.precompile(body);
      return { variables: [...uses.found.values()] };
    } catch (error) {
      return { error: explain(error, { body }).message };
    }
  }

  globalThis.pressline = { ...pressline, variables };
})();
