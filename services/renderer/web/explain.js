// Runs in the compiler page: what Handlebars or a helper threw, in the words of a template's author.
(() => {
  "use strict";
  const LONGEST_SHOWN = 80;
  const ARGUMENTS = { if: 1, unless: 1, each: 1, with: 1, lookup: 2 };
  const HIDDEN = ["helperMissing", "blockHelperMissing"];
  const failure = (code, message) => ({ code, message: message.toWellFormed() });

  // Handlebars' own message has the place only as a drawing.
  Handlebars.Parser.parseError = function (message, { text, token, expected }) {
    const { first_line: line, first_column: column } = this.lexer?.yylloc ?? this.yylloc;
    throw Object.assign(new Error(message), { syntax: { text, token, expected, line, column } });
  };

  const at = ({ line, column }) => ` on line ${line}, column ${column + 1}`;

  // How many letters have to change to make one word of another.
  function distance(left, right) {
    let row = Array.from({ length: right.length + 1 }, (_, index) => index);
    for (const [index, letter] of [...left].entries()) {
      const next = [index + 1];
      for (let to = 1; to <= right.length; to += 1) {
        next.push(Math.min(next[to - 1] + 1, row[to] + 1, row[to - 1] + (letter === right[to - 1] ? 0 : 1)));
      }
      row = next;
    }
    return row.at(-1);
  }

  function similar(name) {
    const near = Object.keys(Handlebars.helpers).map((each) => ({ each, letters: distance(name.slice(0, 20), each) }));
    const [nearest] = near.filter(({ each }) => !HIDDEN.includes(each)).sort((one, other) => one.letters - other.letters);
    return nearest.letters <= Math.min(2, name.length / 3) ? `; "${nearest.each}" is one` : "";
  }

  // A row holds no functions, so whatever is given arguments must be a helper; Handlebars' own want a number of them.
  function requireHelper({ path, params, hash, loc }) {
    const name = path.original;
    const ruled = Object.hasOwn(ARGUMENTS, name);
    if (params.length === 0 && !hash && !ruled) return;
    if (!Object.hasOwn(Handlebars.helpers, name)) {
      throw new Handlebars.Exception(`there is no helper named "${name}"${similar(String(name))}`, { loc });
    }
    if (ruled && params.length !== ARGUMENTS[name]) {
      const wanted = ARGUMENTS[name] === 1 ? "one value" : `${ARGUMENTS[name]} values`;
      throw new Handlebars.Exception(`"${name}" takes ${wanted}, not ${params.length}`, { loc });
    }
  }

  // The part of a line around a column.
  function excerpt(body, { line, column }) {
    const text = body.split(/\r\n?|\n/, line)[line - 1] ?? "";
    const from = Math.max(0, Math.min(column - LONGEST_SHOWN / 2, text.length - LONGEST_SHOWN));
    const shown = text.slice(from, from + LONGEST_SHOWN).trim();
    return shown === "" ? "" : `, in "${from > 0 ? "…" : ""}${shown}${from + LONGEST_SHOWN < text.length ? "…" : ""}"`;
  }

  // The first block that is opened and not closed.
  function unclosed(body) {
    const open = [];
    const written = body.replace(/\{\{!--[^]*?--~?\}\}/g, (comment) => comment.replace(/./g, " "));
    for (const { 1: sign, 2: name, index } of written.matchAll(/\{\{~?\s*([#^/])[*>]?\s*([^\s}~]+)/g)) {
      if (sign === "/") open.pop();
      else open.push({ name, line: body.slice(0, index).split("\n").length });
    }
    return open[0];
  }

  // A word that is followed by what cannot follow it is refused as a whole; that sign is what is wrong.
  function behindWord(syntax, body) {
    if (syntax.token !== "INVALID" || !/\w/.test(syntax.text)) return syntax;
    const line = body.split(/\r\n?|\n/, syntax.line)[syntax.line - 1] ?? "";
    const [word] = /^[\w$-]*/.exec(line.slice(syntax.column));
    const column = syntax.column + word.length;
    return column < line.length ? { ...syntax, column, text: line[column] } : syntax;
  }

  function reason({ text, token, expected }) {
    if (token === "EOF") return "it ends within a tag";
    if (token === "OPEN_ENDBLOCK") return "no block is open that this could close";
    if (token === "INVERSE") return `"${text}" stands outside of a block, or a second time in one`;
    if (token === "CLOSE_UNESCAPED") return 'a brace right after "}}" is read as a part of it: write a space between';
    if (token === "CLOSE" && expected.includes("'CLOSE_UNESCAPED'")) return 'what begins with "{{{" ends with "}}}"';
    if (token === "CLOSE") return 'something is missing before "}}"';
    if (token === "INVALID" && text === "[") return 'an element of a list is written with a dot, as in items.[0]';
    if (token === "INVALID" && text === "<") return 'a "{{" before it is not closed with "}}"';
    if (token === "INVALID" && /["']/.test(text)) return `the text that begins with ${text} does not end`;
    if (/^[|=+*!?:;,%&<>/-]$/.test(text)) return `"${text}" cannot be used there; there are no operators but helpers, such as (eq a b)`;
    return `"${text}" is not expected there`;
  }

  function misread(refused, body) {
    const syntax = behindWord(refused, body);
    const open = syntax.token === "EOF" ? unclosed(body) : undefined;
    if (open) return failure("TEMPLATE_ERROR", `The template is not valid Handlebars: "{{#${open.name}}}" of line ${open.line} is never closed.`);
    return failure("TEMPLATE_ERROR", `The template is not valid Handlebars${at(syntax)}${excerpt(body, syntax)}: ${reason(syntax)}.`);
  }

  // For what a helper cannot use, naming the variable that it was given.
  function misused({ helper, loc, argument, message }, calls) {
    const call = calls.get(`${loc.start.line}:${loc.start.column}`);
    const given = typeof argument === "number" ? call?.params[argument] : call?.hash?.pairs.find(({ key }) => key === argument)?.value;
    const variable = given?.type === "PathExpression" ? ` cannot use "${given.original}"` : "";
    return failure("TEMPLATE_ERROR", `The helper "${helper}" on line ${loc.start.line} of the template${variable}: ${message}.`);
  }

  // For a value that is not there: `part` of some path, on a line where that is known.
  function missing(part, line, paths) {
    const path = paths.find((item) => (line === undefined || item.line === line) && item.parts.includes(part)) ?? { name: part, line };
    const used = path.line === undefined ? "" : `, used on line ${path.line} of the template`;
    return failure("TEMPLATE_ERROR", `The data has no value for "${path.name.replace(/^this\./, "")}"${used}.`);
  }

  // A reader's sentence for what Handlebars or a helper threw. `body` is there when the template was not read yet.
  function explain(error, { paths = [], calls = new Map(), body = "" } = {}) {
    if (error.helper) return misused(error, calls);
    if (error.syntax) return misread(error.syntax, body);
    if (error instanceof RangeError && /string length|array length|call stack/.test(error.message)) {
      return failure("RESOURCE_LIMIT", `The filled template is too large or nested too deeply (${error.message}).`);
    }
    const undefinedPart = /^"(.+?)" not defined in /s.exec(error.message);
    if (undefinedPart) return missing(undefinedPart[1], error.lineNumber, paths);
    const partOfNull = /^Cannot read properties of (?:null|undefined) \(reading '(.+)'\)$/s.exec(error.message);
    if (partOfNull && paths.some(({ parts }) => parts.includes(partOfNull[1]))) return missing(partOfNull[1], undefined, paths);
    const partial = /^The partial (.+) could not be found$/s.exec(error.message);
    if (partial) return failure("TEMPLATE_ERROR", `The template has no partial "${partial[1]}"; {{#*inline "${partial[1]}"}}…{{/inline}} defines one.`);
    const place = error.lineNumber ? at({ line: error.lineNumber, column: error.column }) : "";
    const crossed = /^(.+) doesn't match (.+?) - \d+:\d+$/s.exec(error.message);
    if (crossed) return failure("TEMPLATE_ERROR", `The template is not valid Handlebars: "{{#${crossed[1]}}}"${place} is closed by "{{/${crossed[2]}}}".`);
    return failure("TEMPLATE_ERROR", `The template failed${place}: ${error.message.replace(/ - \d+:\d+$/, "")}.`);
  }

  globalThis.pressline = { failure, explain, requireHelper };
})();
