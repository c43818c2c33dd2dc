// Keeps a value in a map of at most so many, of which those that were kept longest ago go first; returns it.
function keep(kept, key, value, most) {
  kept.delete(key);
  kept.set(key, value);
  if (kept.size > most) kept.delete(kept.keys().next().value);
  return value;
}
