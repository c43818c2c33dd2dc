// What makes QR codes and barcodes, bundled into vendor/codes.js.
export { correction, generate, mode } from "lean-qr";
export { toSvgPath } from "lean-qr/extras/svg";
export { code128, code39, drawingSVG, ean13, ean8, interleaved2of5, upca } from "@bwip-js/browser";
