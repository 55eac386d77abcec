"""Hand a browser over from one server to another, so that its user is signed in there too."""
