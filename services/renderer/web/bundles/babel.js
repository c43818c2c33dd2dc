// The parser that says what is wrong with a component's source, bundled into vendor/babel.js.
export { parse } from "@babel/parser";
