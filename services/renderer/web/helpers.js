// The helpers that templates may call beside Handlebars' own. Formats come from Intl, by the batch's locale and time
// zone, which the template is filled with as `@locale` and `@timezone`; an argument of the helper wins.
(() => {
  "use strict";
  const DATE_STYLES = ["full", "long", "medium", "short", "iso"];
  const TIME_STYLES = ["full", "long", "medium", "short"];
  const CURRENCIES = new Set(Intl.supportedValuesOf("currency"));
  const FORMATS_KEPT = 200;
  const LONGEST_SHOWN = 100;
  // A string is a moment when it says how far its time is from UTC; otherwise it is a date as people write it.
  const MOMENT = /\d:\d{2}.*(?:Z|GMT|UTC|[+-]\d{2}:?\d{2})/i;
  const formats = new Map();
  const isEmpty = (value) => value === undefined || value === null || value === "";
  const text = (value) => (isEmpty(value) ? "" : String(value));

  // Says which argument of a helper cannot be used: its position, or its name.
  function refuse(options, argument, value, why) {
    const shown = typeof value === "object" ? "what it was given" : JSON.stringify(String(value).slice(0, LONGEST_SHOWN));
    throw Object.assign(new Error(`${shown} ${why}`), { helper: options.name, loc: options.loc, argument });
  }

  function oneOf(options, argument, value, allowed) {
    if (!allowed.includes(value)) refuse(options, argument, value, `is none of ${allowed.join(", ")}`);
    return value;
  }

  function whole(options, argument, value, least, most) {
    const number = Number(value);
    if (!Number.isInteger(number) || number < least || number > most) {
      refuse(options, argument, value, `is not a whole number from ${least} to ${most}`);
    }
    return number;
  }

  function numeric(options, value) {
    const readable = typeof value === "number" || typeof value === "bigint" || (typeof value === "string" && value.trim() !== "");
    const number = typeof value === "bigint" ? value : Number(value);
    if (!readable || Number.isNaN(number)) refuse(options, 0, value, "is not a number");
    return number;
  }

  function localeOf(options) {
    const { locale } = options.hash;
    if (isEmpty(locale)) return options.data.locale;
    try {
      return Intl.getCanonicalLocales(locale)[0] ?? refuse(options, "locale", locale, "is not a locale such as de-DE");
    } catch {
      return refuse(options, "locale", locale, "is not a locale such as de-DE");
    }
  }

  function timezoneOf(options) {
    const { timezone } = options.hash;
    if (isEmpty(timezone)) return options.data.timezone;
    try {
      return new Intl.DateTimeFormat("en", { timeZone: String(timezone) }).resolvedOptions().timeZone;
    } catch {
      return refuse(options, "timezone", timezone, "is not a time zone such as Europe/Berlin");
    }
  }

  // A date, and the time zone that it is shown in.
  function dated(options, value) {
    const counted = typeof value === "number" || typeof value === "bigint";
    const date = new Date(counted ? Number(value) : value);
    if (!(counted || typeof value === "string") || Number.isNaN(date.getTime())) refuse(options, 0, value, "is not a date");
    const timeZone = timezoneOf(options);
    return { date, timeZone: counted || MOMENT.test(value) ? timeZone : "UTC" };
  }

  // Making a format costs far more than using it, and loops use one again and again.
  function format(Kind, locale, settings) {
    const key = JSON.stringify([Kind.name, locale, settings]);
    if (!formats.has(key)) {
      if (formats.size >= FORMATS_KEPT) formats.clear();
      formats.set(key, new Kind(locale, settings));
    }
    return formats.get(key);
  }

  const digits = (options, count) => {
    if (count === undefined) return {};
    const places = whole(options, 1, count, 0, 20);
    return { minimumFractionDigits: places, maximumFractionDigits: places };
  };

  // Handlebars passes its options last; what the author left out, or the row has as null, is undefined. What is empty
  // is printed as nothing.
  const helper = (make) =>
    function (...given) {
      const options = given.pop();
      return isEmpty(given[0]) ? "" : make(options, ...given.map((value) => value ?? undefined));
    };

  // `{{#if (eq a b)}}` and `{{#eq a b}}…{{else}}…{{/eq}}` both read naturally.
  const comparison = (holds) =>
    function (left, right, options) {
      const result = holds(left, right);
      if (!options.fn) return result;
      return result ? options.fn(this) : options.inverse(this);
    };

  function date(options, value, style = "medium") {
    const { date: shown, timeZone } = dated(options, value);
    if (oneOf(options, 1, style, DATE_STYLES) !== "iso") {
      return format(Intl.DateTimeFormat, localeOf(options), { dateStyle: style, timeZone }).format(shown);
    }
    // Swedes write dates so.
    return format(Intl.DateTimeFormat, "sv-SE", { dateStyle: "short", timeZone }).format(shown);
  }

  function time(options, value, style = "short") {
    const { date: shown, timeZone } = dated(options, value);
    const timeStyle = oneOf(options, 1, style, TIME_STYLES);
    return format(Intl.DateTimeFormat, localeOf(options), { timeStyle, timeZone }).format(shown);
  }

  function number(options, value, places) {
    return format(Intl.NumberFormat, localeOf(options), digits(options, places)).format(numeric(options, value));
  }

  function currency(options, value, code = "USD") {
    const known = String(code).toUpperCase();
    if (!CURRENCIES.has(known)) refuse(options, 1, code, "is not a currency such as EUR");
    const settings = { style: "currency", currency: known };
    return format(Intl.NumberFormat, localeOf(options), settings).format(numeric(options, value));
  }

  function title(options, value) {
    const locale = localeOf(options);
    return text(value).replace(
      /\p{L}[\p{L}\p{M}'’]*/gu,
      ([first, ...rest]) => first.toLocaleUpperCase(locale) + rest.join("").toLocaleLowerCase(locale),
    );
  }

  function truncate(options, value, length, ending = "…") {
    const most = whole(options, 1, length, 1, 1_000_000);
    const characters = (string) => Array.from(format(Intl.Segmenter, localeOf(options), {}).segment(string), ({ segment }) => segment);
    const all = characters(text(value));
    if (all.length <= most) return all.join("");
    const kept = all.slice(0, Math.max(most - characters(text(ending)).length, 0));
    return kept.join("").trimEnd() + text(ending);
  }

  function join(options, list, separator = ", ") {
    if (!Array.isArray(list)) refuse(options, 0, list, "is not a list");
    return list.map(text).join(separator);
  }

  // Safe within a script element, and an attribute where Handlebars escapes it.
  function json(options, value, indent = 0) {
    const exact = (_key, inner) => (typeof inner === "bigint" ? JSON.rawJSON(String(inner)) : inner);
    const written = JSON.stringify(value ?? null, exact, whole(options, 1, indent, 0, 10));
    return written.replace(/[<>&\u2028\u2029]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
  }

  Handlebars.registerHelper({
    upper: helper((options, value) => text(value).toLocaleUpperCase(localeOf(options))),
    lower: helper((options, value) => text(value).toLocaleLowerCase(localeOf(options))),
    title: helper(title),
    truncate: helper(truncate),
    date: helper(date),
    time: helper(time),
    number: helper(number),
    currency: helper(currency),
    join: helper(join),
    json: (value, ...given) => json(given.at(-1), value, given.length > 1 ? given[0] : 0),
    now(...given) {
      const own = typeof this === "object" && this !== null && Object.hasOwn(this, "now");
      return own ? this.now : given.at(-1).data.now;
    },
    default: (value, fallback) => (isEmpty(value) ? fallback : value),
    eq: comparison((left, right) => left === right),
    ne: comparison((left, right) => left !== right),
    gt: comparison((left, right) => left > right),
    lt: comparison((left, right) => left < right),
  });
})();
