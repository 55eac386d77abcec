"""
The words that names and prose must not use, and the search for them.

A name is what the syntax tree says: files, folders, classes, functions, arguments, variables, attributes, type aliases.
Prose is every docstring, comment and document, without the code in it.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path

from project_files import PROJECT, parsed

FOLDERS = ("src", "tests", "typing_tests", "benchmarks", "examples")

#: A word of a name, and the standard term that replaces it.
WORDS = {
    "agreement": "cross-check",
    "agreements": "cross_checks",
    "complaint": "error",
    "complaints": "errors",
    "delivery": "token_response",
    "desk": "endpoint",
    "desks": "endpoints",
    "face": "integration",
    "faces": "integrations",
    "fitness": "health",
    "folk": "directory",
    "ground": "state",
    "holding": "routes",
    "house": "workspace",
    "houses": "workspaces",
    "identification": "authenticator",
    "keeping": "opaque_token_writer",
    "leaflet": "instructions",
    "lookout": "connections",
    "member": "revocation_key",
    "members": "revocation_keys",
    "nowhere": "null",
    "outlook": "sse_detector",
    "patrol": "connection_monitor",
    "prolonging": "session_extension",
    "prospects": "session_status",
    "reach": "session_ref",
    "reaches": "session_keys",
    "recognition": "bearer_authenticator",
    "resolution": "opaque_token_resolver",
    "room": "session_verbs",
    "rooms": "session_verbs",
    "shelf": "session_index",
    "standing": "session_lookup",
    "stranger": "anonymous",
    "strangers": "anonymous_results",
    "turning": "token_rotation",
    "unbuilt": "not_implemented",
    "visit": "request_context",
    "visiting": "request_context",
    "visitor": "client",
    "visits": "request_context",
    "vouch": "check",
    "vouching": "validity_check",
    "wing": "factory",
    "wings": "factories",
    "workshop": "container",
}
#: A whole name without its underscores, and its replacement.
WHOLE_NAMES = {
    "Answer": "RevocationStatus",
    "Caller": "RequestOrigin",
    "Line": "WatchedConnection",
    "LongTermToken": "RefreshToken",
    "LoopTurns": "a keyed lock",
    "OpenSession": "ActiveSession",
    "Place": "CredentialSource or FieldPath",
    "Places": "a concurrency limit",
    "Question": "RevocationQuery",
    "Receipt": "RevocationReceipt",
    "References": "OpaqueTokens",
    "Stamp": "IssueTime",
    "Stores": "StoreProvider",
    "ThreadTurns": "a keyed lock",
    "Turn": "RotationResult",
    "told": "a noun for the value",
}
#: The name of a file without its ending, and its replacement.
FILES = {
    "answers": "validation",
    "instant": "issued_at",
    "kinds": "fields",
    "loop_turns": "async_locks",
    "people": "adapters",
    "places": "concurrency_limit",
    "ways": "ConnectionSource",
    "whole": "config",
    "whole_files": "atomic_write",
    "wire": "pool",
}
#: A word in one file, or below one folder, where it is the field's own term.
ALLOWED_WORDS = {
    ("member", "src/safeconduct/_http/request_body.py"): "the members of a JSON object",
    ("member", "src/safeconduct/_keys/keyset.py"): "the members of a JWK",
    ("member", "src/safeconduct/_tokens/"): "the members of a JWK, a JOSE header or a claims set",
    ("member", "src/safeconduct/_core/endpoints/"): "the members of a JSON body",
    ("member", "src/safeconduct/directories/users_file_format.py"): "the members of a JSON object",
    ("member", "tests/directories/"): "the members of a JSON object",
    ("member", "tests/http_text/"): "the members of a JSON object",
    ("member", "tests/keys/"): "the members of a JWK",
    ("member", "tests/support/login_stack.py"): "the members of a JOSE header",
    ("member", "tests/support/token_factory.py"): "the members of a JOSE header",
    ("member", "tests/tokens/"): "the members of a JWK, a JOSE header or a claims set",
    ("nowhere", "tests/"): "the adverb, in the sentence that is a test's name",
}

#: Prose that a native engineer would not write; each is tried on one paragraph, in lower case.
INVENTED = {
    "metaphor": re.compile(
        r"\b(?:faces?|houses?|rooms|wings?|desks?|patrols?|outlooks?|lookouts?|workshops?|leaflets?|folk|shelf"
        r"|strangers?|vouch(?:es|ed|ing)?|standing|turnings?)\b"
    ),
    "reach as a noun": re.compile(r"\b(?:an?|the|its|each|every|this|one|no|'s) reach(?:es)?\b"),
    "short or long way": re.compile(r"\b(?:short|long)(?:er)? way\b"),
    "the own": re.compile(r"\b(?:the|an?|every|each|no|some) own\b"),
    "he or she": re.compile(r"\b(?:he|him|his|himself|she|her|hers|herself)\b"),
    "whoever": re.compile(r"\bwhoever\b"),
    "nobody's": re.compile(r"\b(?:nobody|somebody)'s\b"),
    "what is": re.compile(r"\Awhat is\b"),
}
#: A phrase of plain English that a rule above would find.
ALLOWED_PHRASES = {
    "long-standing": "of long duration",
}


def words(name: str) -> list[str]:
    """Return the words of ``snake_case`` and ``CamelCase``, in lower case."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)]


def is_allowed(word: str, path: str) -> bool:
    """Return whether *word* is the field's own term in the file *path*."""
    singular = word.removesuffix("s")
    return any(singular == allowed.removesuffix("s") and path.startswith(at) for allowed, at in ALLOWED_WORDS)


def wrong_words(name: str, path: str) -> dict[str, str]:
    """Return each wrong part of *name*, with the term that replaces it."""
    found = {word: WORDS[word] for word in words(name) if word in WORDS and not is_allowed(word, path)}
    whole = name.strip("_")
    return found | ({whole: WHOLE_NAMES[whole]} if whole in WHOLE_NAMES else {})


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield every name that *tree* gives to something, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield node.lineno, name
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.alias(asname=str(name)) | ast.MatchAs(name=str(name)) | ast.ExceptHandler(name=str(name)):
                yield node.lineno, name


def wrong_names(tree: ast.AST, path: str) -> list[str]:
    """Return a line for each wrong name in a file: where it is, and what replaces it."""
    return [
        f"{path}:{line} {name}: {word} -> {term}"
        for line, name in sorted(set(names(tree)))
        for word, term in wrong_words(name, path).items()
    ]


def wrong_parts(path: str) -> list[str]:
    """Return a line for each wrong folder or file name in *path*."""
    *_, stem = parts = Path(path).with_suffix("").parts
    found = {word: term for part in parts for word, term in wrong_words(part.replace("-", "_"), path).items()}
    found |= {stem: FILES[stem]} if stem in FILES else {}
    return [f"{path}: {word} -> {term}" for word, term in found.items()]


def paragraphs(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Join consecutive lines, so that a phrase is found across two of them; yield each with its first line."""
    begun, text = 0, ""
    for number, line in [*lines, (0, "")]:
        if line.strip():
            begun, text = begun or number, f"{text} {line.strip()}"
        elif text:
            yield begun, text.strip()
            begun, text = 0, ""


def docstrings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield every docstring, line by line."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        match body:
            case [ast.Expr(value=ast.Constant(value=str(text))), *_]:
                yield from enumerate(text.split("\n"), body[0].lineno)
                yield body[0].end_lineno, ""


def comments(source: str) -> Iterator[tuple[int, str]]:
    """Yield every comment, and an empty line where two of them do not follow each other."""
    last = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            line = token.start[0]
            if line != last + 1:
                yield line, ""
            yield line, token.string.lstrip("#: ")
            last = line


def text_of(page: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a Markdown page without its code."""
    is_code = False
    for number, line in enumerate(page.split("\n"), 1):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        yield number, "" if is_code or line.lstrip().startswith("```") else re.sub(r"`[^`]*`", "", line)


def prose(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the paragraphs of a file with the number of their first line."""
    source = file.read_text("utf-8")
    if file.suffix == ".py":
        yield from paragraphs(docstrings(parsed(file)))
        yield from paragraphs(comments(source))
    elif file.suffix == ".lua":
        lines = (line.partition("--") for line in source.split("\n"))
        yield from paragraphs((number, text) for number, (_, _, text) in enumerate(lines, 1))
    else:
        yield from paragraphs(text_of(source))


def wrong_phrases(text: str) -> dict[str, str]:
    """Return the first phrase that each rule finds in a paragraph."""
    lowered = re.sub(r"``[^`]*``", "", text).lower()
    for phrase in ALLOWED_PHRASES:
        lowered = lowered.replace(phrase, "")
    found = {rule: pattern.search(lowered) for rule, pattern in INVENTED.items()}
    return {rule: match[0] for rule, match in found.items() if match is not None}


def documents() -> list[Path]:
    """Return every page of the documentation, and the scripts of the store."""
    pages = [*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md"), *(PROJECT / "src").rglob("*.lua")]
    return sorted(page for page in pages if page.name != "CHANGELOG.md")


def relative(file: Path) -> str:
    """Return the path of *file* from the project's folder."""
    return file.relative_to(PROJECT).as_posix()
