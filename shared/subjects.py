"""What facts are about, as the text in `Fact.subject`."""


def declaration(no: str) -> str:
    """A declaration as a whole."""
    return f"declaration/{no}"


def vehicle(no: str, code: str) -> str:
    """One vehicle of a declaration."""
    return f"declaration/{no}/{code}"


def lane(node: str, name: str) -> str:
    """A lane of a node; a passage is named by the reference of its `arrived` fact."""
    return f"lane/{node}/{name}"


def passage(ref: str) -> str:
    """A passage, by the reference of its `arrived` fact."""
    return f"passage/{ref}"


def node(name: str) -> str:
    """A node."""
    return f"node/{name}"


def officer(code: str) -> str:
    """An officer."""
    return f"officer/{code}"


def procedure(khoan: str) -> str:
    """A procedure, in all its versions."""
    return f"procedure/{khoan}"


def settings(site: str) -> str:
    """The settings of a site."""
    return f"settings/{site}"


def declaration_of(subject: str) -> str | None:
    """The declaration's number that a subject is about, or None."""
    parts = subject.split("/")
    return parts[1] if parts[0] == "declaration" and len(parts) >= 2 else None
