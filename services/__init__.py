"""The four services of Pressline and what they share."""
