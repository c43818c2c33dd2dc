// What a component's page needs of React, bundled into vendor/react.js.
const React = require("react");
const runtime = require("react/jsx-runtime");
const { createRoot } = require("react-dom/client");
const { flushSync } = require("react-dom");

module.exports = { React, createRoot, flushSync, modules: { react: React, "react/jsx-runtime": runtime } };
