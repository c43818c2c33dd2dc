// The helpers that templates may call beside Handlebars' own. Formats come from Intl.
(() => {
  "use strict";
  const isEmpty = (value) => value === undefined || value === null || value === "";
  const text = (value) => (isEmpty(value) ? "" : String(value));

  function numeric(helper, value) {
    const number = typeof value === "bigint" ? value : Number(value);
    if (Number.isNaN(number)) throw new Error(`${helper}: ${JSON.stringify(value)} is not a number`);
    return number;
  }

  function moment(value) {
    const date = new Date(typeof value === "bigint" ? Number(value) : value);
    if (Number.isNaN(date.getTime())) throw new Error(`date: ${JSON.stringify(String(value))} is not a date`);
    return date;
  }

  const locale = (options) => options.hash.locale ?? "en-US";
  const digits = (count) =>
    count === undefined ? {} : { minimumFractionDigits: Number(count), maximumFractionDigits: Number(count) };

  // Handlebars passes its options last; what the author left out is undefined.
  const formatter = (format) =>
    function (...given) {
      const options = given.pop();
      return isEmpty(given[0]) ? "" : format(options, ...given);
    };

  // `{{#if (eq a b)}}` and `{{#eq a b}}…{{else}}…{{/eq}}` both read naturally.
  const comparison = (holds) =>
    function (left, right, options) {
      const result = holds(left, right);
      if (!options.fn) return result;
      return result ? options.fn(this) : options.inverse(this);
    };

  Handlebars.registerHelper({
    upper: (value) => text(value).toUpperCase(),
    lower: (value) => text(value).toLowerCase(),
    title: (value) => text(value).replace(/\p{L}[\p{L}\p{M}'’]*/gu, (word) => word[0].toUpperCase() + word.slice(1).toLowerCase()),
    date: formatter((options, value, style = "medium") =>
      new Intl.DateTimeFormat(locale(options), { dateStyle: style, timeZone: options.hash.timezone ?? "UTC" }).format(moment(value)),
    ),
    number: formatter((options, value, places) =>
      new Intl.NumberFormat(locale(options), digits(places)).format(numeric("number", value)),
    ),
    currency: formatter((options, value, code = "USD") =>
      new Intl.NumberFormat(locale(options), { style: "currency", currency: code }).format(numeric("currency", value)),
    ),
    default: (value, fallback) => (isEmpty(value) ? fallback : value),
    eq: comparison((left, right) => left === right),
    ne: comparison((left, right) => left !== right),
    gt: comparison((left, right) => left > right),
    lt: comparison((left, right) => left < right),
    join: (list, ...given) => {
      if (isEmpty(list)) return "";
      if (!Array.isArray(list)) throw new Error("join: the first argument is not a list");
      return list.map(text).join(given.length > 1 ? given[0] : ", ");
    },
  });
})();
