"""The description of the API: what FastAPI finds in the routes, with what it cannot know."""
