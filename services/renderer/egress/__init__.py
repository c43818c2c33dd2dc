"""The renderer's way out: what documents load from elsewhere is fetched here, never by the browser."""
