// The compiler of JSX and TypeScript, bundled into vendor/sucrase.js.
export { transform } from "sucrase";
