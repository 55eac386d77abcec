"""The pages for people: the sign-in page, what follows a form, and refusals as HTML."""
