// The helpers that draw QR codes and barcodes into a template.
(() => {
  "use strict";
  const quoted = ([name, value]) => `${name}="${value}"`;

  // `names` are the options that may be given by their place, behind the value.
  const drawn = (draw, names) =>
    function (...given) {
      const options = given.pop();
      const [value, ...placed] = given;
      if ((value ?? "") === "") return "";
      try {
        const byPlace = Object.fromEntries(placed.map((each, index) => [names[index] ?? `argument ${index + 2}`, each]));
        const { attributes, shapes } = draw(value, { ...byPlace, ...options.hash });
        const written = Object.entries(attributes).map(quoted).join(" ");
        return new Handlebars.SafeString(`<svg xmlns="http://www.w3.org/2000/svg" ${written}>${shapes}</svg>`);
      } catch (error) {
        throw Object.assign(error, { helper: options.name, loc: options.loc });
      }
    };

  Handlebars.registerHelper({ qr: drawn(presslineCodes.qr, ["size"]), barcode: drawn(presslineCodes.barcode, ["type"]) });
})();
