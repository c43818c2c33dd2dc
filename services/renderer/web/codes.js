// Draws QR codes and barcodes as SVG: in the compiler page for the helpers, and in the pages of components.
//
// A drawing is the attributes of an `svg` element and what is in it. Nothing of the value is written into it but as
// shapes, so it can neither run nor load anything, and it looks the same whatever fonts there are.
const presslineCodes = (() => {
  "use strict";
  const { correction, generate, mode, toSvgPath, drawingSVG, ...makers } = codeMakers;
  // Readers disagree on Japanese letters of two bytes that follow a part in UTF-8, so all of it is UTF-8 then.
  const MODES = { modes: [mode.numeric, mode.alphaNumeric, mode.ascii, mode.utf8] };
  const LONGEST_SHOWN = 100;
  const LONGEST_BARCODE = 80;
  // Symbols are drawn at two units to the narrowest bar, and a point of their library is one bar at scale 1.
  const UNITS = 2;
  const MM_PER_POINT = 25.4 / 72;
  const PRINTABLE = [/^[\x20-\x7e]+$/, "only letters, digits and signs of ASCII can be in it"];
  const TYPES = {
    code128: { make: makers.code128, takes: PRINTABLE },
    code39: { make: makers.code39, takes: [/^[0-9A-Z .$/+%-]+$/, "only digits, capital letters, spaces and -.$/+% can be in it"] },
    ean13: { make: makers.ean13, takes: [/^\d{12,13}$/, "it has 12 digits, or 13 with the check digit"] },
    ean8: { make: makers.ean8, takes: [/^\d{7,8}$/, "it has 7 digits, or 8 with the check digit"] },
    upca: { make: makers.upca, takes: [/^\d{11,12}$/, "it has 11 digits, or 12 with the check digit"] },
    itf: { make: makers.interleaved2of5, takes: [/^(?:\d\d)+$/, "it has an even number of digits"] },
  };

  const OPTIONS = {
    qr: ["size", "margin", "level", "color", "background"],
    barcode: ["type", "module", "height", "margin", "text", "color", "background"],
  };

  // `argument` is the option that cannot be used, 0 for the value itself.
  function refuse(argument, value, why) {
    const whole = String(value);
    const cut = whole.length > LONGEST_SHOWN ? `${whole.slice(0, LONGEST_SHOWN)}…` : whole;
    throw Object.assign(new Error(`${typeof value === "object" ? "what it was given" : JSON.stringify(cut)} ${why}`), { argument });
  }

  // Reads options by name; what is null or empty is left out.
  class Options {
    constructor(given, kind) {
      for (const name of Object.keys(given)) {
        if (!OPTIONS[kind].includes(name)) refuse(name, name, `is no option; there are ${OPTIONS[kind].join(", ")}`);
      }
      this.given = given;
    }

    read(name, standard) {
      const value = this.given[name] ?? "";
      return value === "" ? standard : value;
    }

    number(name, standard, least, most) {
      const value = this.read(name, standard);
      const number = typeof value === "object" ? NaN : Number(value);
      if (!(number >= least && number <= most)) refuse(name, value, `is not a number from ${least} to ${most}`);
      return number;
    }

    oneOf(name, standard, allowed) {
      const value = this.read(name, standard);
      if (!allowed.includes(value)) refuse(name, value, `is none of ${allowed.join(", ")}`);
      return value;
    }

    colour(name, standard) {
      const value = this.read(name, standard);
      const sound = typeof value === "string" && /^(?:#[0-9a-f]+|[a-z]+)$/i.test(value) && CSS.supports("color", value);
      if (!sound) refuse(name, value, "is not a colour such as #1a2b3c or navy");
      return value;
    }
  }

  function text(value) {
    if (!["string", "number", "bigint"].includes(typeof value)) refuse(0, value, "is neither text nor a number");
    return String(value).toWellFormed();
  }

  function drawing(options, { x, y, width, height, pixels, label, shapes }) {
    const paper = `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${options.colour("background", "white")}"/>`;
    const attributes = { width: width * pixels, height: height * pixels, viewBox: `${x} ${y} ${width} ${height}`, role: "img", "aria-label": label };
    return { attributes, shapes: paper + shapes };
  }

  function symbol(value, level) {
    try {
      return generate(mode.auto(text(value), MODES), { minCorrectionLevel: correction[level], maxCorrectionLevel: correction[level] });
    } catch (error) {
      if (error.argument === undefined) refuse(0, value, `does not fit into a QR code of level ${level}: it has ${String(value).length} characters`);
      throw error;
    }
  }

  // A QR code. `size` is its width in CSS pixels, its `margin`, counted in modules, included.
  function qr(value, given) {
    const options = new Options(given, "qr");
    const margin = options.number("margin", 4, 0, 100);
    const code = symbol(value, options.oneOf("level", "M", ["L", "M", "Q", "H"]));
    const side = code.size + 2 * margin;
    const pixels = options.number("size", 160, 1, 4000) / side;
    const shapes = `<path d="${toSvgPath(code)}" fill="${options.colour("color", "black")}" shape-rendering="crispEdges"/>`;
    return drawing(options, { x: -margin, y: -margin, width: side, height: side, pixels, label: "QR code", shapes });
  }

  function bars(value, type, settings) {
    const { make, takes } = TYPES[type];
    const content = text(value);
    if (content.length > LONGEST_BARCODE) refuse(0, value, `is longer than ${LONGEST_BARCODE} characters`);
    if (!takes[0].test(content)) refuse(0, value, `cannot be encoded as ${type}: ${takes[1]}`);
    try {
      return make({ bcid: type, text: content, scale: UNITS, ...settings }, drawingSVG());
    } catch (error) {
      return refuse(0, value, `cannot be encoded as ${type}: ${error.message.replace(/^[^:]*: /, "")}`);
    }
  }

  // A barcode. `module` is the width of its narrowest bar and `height` that of its bars, in CSS pixels; its `margin`
  // to the left and right is counted in narrowest bars.
  function barcode(value, given) {
    const options = new Options(given, "barcode");
    const module = options.number("module", 2, 0.1, 100);
    const margin = options.number("margin", 10, 0, 100) * UNITS;
    const height = options.number("height", 80, 1, 4000);
    const type = options.oneOf("type", "code128", Object.keys(TYPES));
    const shown = options.oneOf("text", true, [true, false]);
    const settings = { height: (height / module) * MM_PER_POINT, includetext: shown, textxalign: "center" };
    if (type.startsWith("ean") || type === "upca") delete settings.textxalign;
    const made = bars(value, type, settings);
    const [, width, high, inside] = /^<svg viewBox="0 0 (\S+) (\S+)"[^>]*>([^]*)<\/svg>\s*$/.exec(made);
    const shapes = inside.replaceAll("#000000", options.colour("color", "black"));
    const place = { x: -margin, y: 0, width: Number(width) + 2 * margin, height: Number(high) };
    return drawing(options, { ...place, pixels: module / UNITS, label: "Barcode", shapes });
  }

  return { qr, barcode, options: OPTIONS };
})();
