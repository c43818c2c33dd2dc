// Comes after two frames: in the first one scripts are told of sizes and of what can be seen, and what they make of that
// is in the second.
() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))
