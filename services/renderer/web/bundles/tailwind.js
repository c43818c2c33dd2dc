// The compiler of Tailwind CSS with its style sheet, bundled into vendor/tailwind.js.
import theme from "tailwindcss/index.css";

export { compile, __unstable__loadDesignSystem as loadDesign } from "tailwindcss";
export { theme };
