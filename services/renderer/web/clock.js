// Runs in each frame of a document with scripts before any of its own: gives it the batch's clock, and random numbers
// that come out the same each time. The clock stands still while a script runs; only the page's own timers and
// frames move it on, by what they were asked to wait, so that what waits for time to pass ends, however fast or
// slow the machine is.
((given) => {
  "use strict";
  const [FRAME_MS, LOOK_MS] = [16, 4];
  const define = (target, name, value) => Object.defineProperty(target, name, { value, writable: true, configurable: true });
  let clock = given.now;

  const PageDate = new Proxy(Date, {
    construct: (target, values, made) => Reflect.construct(target, values.length > 0 ? values : [clock], made),
    apply: (target) => new target(clock).toString(),
  });
  define(Date, "now", () => clock);
  define(Date.prototype, "constructor", PageDate);
  define(globalThis, "Date", PageDate);

  // Without an argument these format the current time.
  const formats = Intl.DateTimeFormat.prototype;
  const { get: formatOf } = Object.getOwnPropertyDescriptor(formats, "format");
  const { formatToParts } = formats;
  Object.defineProperty(formats, "format", {
    get() {
      const format = formatOf.call(this);
      return (date = clock) => format(date);
    },
    configurable: true,
  });
  define(formats, "formatToParts", function (date = clock) {
    return formatToParts.call(this, date);
  });

  if (globalThis.Temporal) {
    const { Instant, Now } = Temporal;
    const instant = () => Instant.fromEpochMilliseconds(clock);
    const zoned = (zone = Now.timeZoneId()) => instant().toZonedDateTimeISO(zone);
    define(Now, "instant", instant);
    define(Now, "zonedDateTimeISO", (zone) => zoned(zone));
    define(Now, "plainDateTimeISO", (zone) => zoned(zone).toPlainDateTime());
    define(Now, "plainDateISO", (zone) => zoned(zone).toPlainDate());
    define(Now, "plainTimeISO", (zone) => zoned(zone).toPlainTime());
  }

  // Mulberry32.
  let state = given.seed;
  define(Math, "random", () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  });

  const reach = (moment) => {
    clock = Math.max(clock, moment);
  };
  // As browsers read it: what is no delay, or too long for one, is none. Even that takes a moment.
  const milliseconds = (delay) => (Number(delay) >= 1 && Number(delay) <= 0x7fffffff ? Math.trunc(delay) : 1);
  const { setTimeout: wait, setInterval: repeat, requestAnimationFrame: draw, cancelAnimationFrame: cancel } = globalThis;
  define(globalThis, "setTimeout", (handler, delay, ...values) => {
    if (typeof handler !== "function") return wait(handler, delay);
    const due = clock + milliseconds(delay);
    return wait(() => {
      reach(due);
      handler.apply(globalThis, values);
    }, delay);
  });
  define(globalThis, "setInterval", (handler, delay, ...values) => {
    if (typeof handler !== "function") return repeat(handler, delay);
    let due = clock;
    return repeat(() => {
      due += milliseconds(delay);
      reach(due);
      handler.apply(globalThis, values);
    }, delay);
  });
  let drawn = 0;
  const frame = (handler) => (time) => {
    if (time !== drawn) reach(clock + FRAME_MS);
    drawn = time;
    handler.call(globalThis, time);
  };
  // The first frame comes when a document has loaded: what is measured in it does not depend on how fast fonts and
  // images came. Frames asked for before have ids below zero, and later the browser's ones beside them.
  const { get: readyState } = Object.getOwnPropertyDescriptor(Document.prototype, "readyState");
  const held = new Map();
  let asked = 0;
  const ask = (id, callback) => {
    if (!held.has(id)) return;
    if (readyState.call(document) === "complete") held.set(id, draw(callback));
    else wait(ask, LOOK_MS, id, callback);
  };
  define(globalThis, "requestAnimationFrame", (handler) => {
    if (typeof handler !== "function") return draw(handler);
    if (readyState.call(document) === "complete") return draw(frame(handler));
    held.set((asked -= 1), 0);
    ask(asked, frame(handler));
    return asked;
  });
  define(globalThis, "cancelAnimationFrame", (id) => {
    cancel(held.get(id) ?? id);
    held.delete(id);
  });
})
