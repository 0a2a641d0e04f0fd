"""Text that is meant to do harm: tags, aliases, control characters."""

from __future__ import annotations

from tests.hostile.change import Change

HOSTILE_TEXT = [
    Change(
        "control character",
        "description: everything once",
        'description: "a\\x1b[31mb"',
        "description",
        ("control character",),
    ),
    Change("line break in a name", "id: sg-1", 'id: "sg\\n1"', "security_groups[0].id", ("plain name",)),
    Change("markup in a name", "id: sg-1", 'id: "[bold]sg[/bold]"', "security_groups[0].id", ("[bold]sg[/bold]",)),
    Change(
        "escape sequence in a key",
        "      cpu_milli: 500",
        '      "\\e]0;owned\\a": 500',
        "groups[0].demand.\\x1b]0;owned\\x07",
        ("unknown resource \\x1b]0;owned\\x07",),
    ),
    Change("text that runs backwards", "id: sg-1", 'id: "sg\\u202e1"', "security_groups[0].id", ("\\u202e",)),
    Change("path out of the directory", "estate: base", "estate: ../../etc/passwd", "estate", ("plain name",)),
    Change("null letter", "id: sg-1", 'id: "sg\\0"', "security_groups[0].id", ("plain name",)),
    Change("raw control character", "description: everything once", "description: a\x08b", "", ("YAML forbids",)),
    Change(
        "raw escape sequence",
        "description: everything once",
        "description: \x1b[2Jgone",
        "",
        ("YAML forbids",),
    ),
    Change(
        "python object",
        "description: everything once",
        "description: !!python/object/apply:os.system [echo gone]",
        "",
        ("tag", "not supported"),
    ),
    Change("python name", "count: 6", "count: !!python/name:os.system ''", "", ("not supported",)),
    Change("tag of one's own", "- {id: key-1}", "- !key {id: key-1}", "", ("not supported",)),
    Change("binary", "description: everything once", "description: !!binary aGk=", "", ("not supported",)),
    Change("merge key", "  - id: store\n", "  - id: store\n    <<: {count: 3}\n", "", ("merge keys",)),
    Change("alias in itself", "regions:\n", "regions: &all\n  - *all\n", "", ("refers to itself",)),
    Change("unknown alias", "goals: [placed, soft, moves, cost]", "goals: *none", "", ("alias",)),
    Change("list as a key", "- {id: key-1}", "- {? [a, b] : 1}", "", ("key must be plain",)),
    Change("second document", "goals: [placed, soft, moves, cost]", "---\ngoals: [placed]", "", ("one document",)),
    Change("tab for indentation", "    count: 6", "\tcount: 6", "", ("is no YAML",)),
    Change("bracket left open", "goals: [placed, soft, moves, cost]", "goals: [placed", "", ("is no YAML",)),
]
